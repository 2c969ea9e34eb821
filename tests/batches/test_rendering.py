"""Rows to the API's JSON."""

from batches.rendering import file_json
from tests.batches.conftest import Customer
from tests.factories.batches import make_items, make_manifest


def test_a_manifests_file_tells_its_counts(owner: Customer) -> None:
    file = make_manifest(owner.org, make_items(3)).file

    shown = file_json(file)

    assert (shown["item_count"], shown["duplicates"]) == (3, 2)
    assert (shown["skipped_count"], shown["skipped"]) == (0, [])
