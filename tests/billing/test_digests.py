"""R19: the entries of last night are the entries of today."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from batchrouter.kit import clock
from billing.digests import digest_before, prefix_unchanged, write_digest
from billing.models import LedgerTransaction, Posting
from billing.tasks import reconcile_all_books
from tests.billing.helpers import check_deferred, execute, top_up, without_triggers
from tests.factories.accounts import OrgFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def digests(settings: Any, tmp_path: Path) -> Path:
    settings.ARTIFACTS_DIR = tmp_path
    return tmp_path


@pytest.fixture
def written() -> Path:
    """A digest over three transactions."""
    org = OrgFactory.create()
    for number in range(3):
        top_up(org, 5, key=f"t:{number}")
    check_deferred()
    return write_digest(now=clock.now() + timedelta(hours=2))


def _problems() -> list[str]:
    return list(prefix_unchanged(clock.now()))


def test_nothing_written_yet_proves_nothing_wrong() -> None:
    assert _problems() == []


@pytest.mark.usefixtures("written")
def test_untouched_entries_keep_their_digest() -> None:
    assert _problems() == []


def test_later_entries_are_not_part_of_it() -> None:
    org = OrgFactory.create()
    top_up(org, 5, key="t:before")
    before = clock.now() + timedelta(hours=1)
    first = digest_before(before)
    late = top_up(org, 5, key="t:after")
    with without_triggers():
        LedgerTransaction.objects.filter(pk=late.pk).update(
            created_at=before + timedelta(seconds=1)
        )
    assert digest_before(before) == first
    assert first.entries == 2


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE billing_posting SET amount_nanousd = -amount_nanousd",
        "UPDATE billing_ledgertransaction SET reason = 'another' WHERE key = 't:1'",
        "DELETE FROM billing_posting WHERE amount_nanousd > 0",
        "UPDATE billing_ledgertransaction SET created_at = created_at - interval '1 s'",
    ],
    ids=["turned", "reworded", "removed", "redated"],
)
def test_a_change_behind_the_triggers_is_found(sql: str) -> None:
    with without_triggers():
        execute(sql)
    (problem,) = _problems()
    assert "had the digest" in problem


@pytest.mark.usefixtures("written")
def test_an_entry_that_was_slipped_in_is_found() -> None:
    late = top_up(OrgFactory.create(), 5, key="t:late")
    assert Posting.objects.filter(transaction=late).count() == 2
    (problem,) = _problems()
    assert problem.startswith("the 6 entries")


def test_the_night_writes_one_where_all_proofs_hold(digests: Path) -> None:
    reconcile_all_books()
    assert len(list(digests.rglob("*.json"))) == 1
