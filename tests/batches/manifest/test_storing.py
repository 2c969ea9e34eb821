"""A checked manifest in the database."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from batches.manifest.storing import store_manifest
from batches.models import Item, ItemGroup, Manifest, StoredFile
from tests.batches.manifest.helpers import item, lines, reader
from tests.factories.accounts import OrgFactory

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ITEMS = [
    item(customer_item_id="plain", input="hello world"),
    item(customer_item_id="back\\slash \\N", input="hello world"),
    item(customer_item_id="日本", model="gpt-5.4", input={"input": "hello world"}),
    item(
        customer_item_id="capped",
        input={"input": "hello world", "max_output_tokens": 50},
    ),
]


def stored(
    folder: Path, *, data: bytes | None = None, filename: str = "in.ndjson"
) -> Manifest:
    with reader(folder, "skip") as opened:
        read = opened.read([lines(ITEMS) if data is None else data])
        return store_manifest(
            read, org=OrgFactory.create(), filename=filename, now=NOON
        )


def test_stores_the_file(tmp_path: Path) -> None:
    file = stored(tmp_path).file

    assert file.purpose == "manifest"
    assert file.filename == "in.ndjson"
    assert file.size_bytes == len(lines(ITEMS))
    assert file.line_count == 4
    assert file.created_at == NOON
    assert (tmp_path / file.storage_key).read_bytes() == lines(ITEMS)
    assert file.storage_key.endswith(file.sha256)


def test_stores_a_row_for_each_item(tmp_path: Path) -> None:
    manifest = stored(tmp_path)

    rows = Item.objects.filter(manifest_id=manifest.pk).order_by("seq")
    assert list(
        rows.values_list(
            "seq", "group_no", "customer_item_id", "input_tokens", "max_output_tokens"
        )
    ) == [
        (0, 0, "plain", 9, None),
        (1, 0, "back\\slash \\N", 9, None),
        (2, 1, "日本", 9, None),
        (3, 0, "capped", 9, 50),
    ]


def test_stores_where_each_item_is(tmp_path: Path) -> None:
    manifest = stored(tmp_path)
    data = (tmp_path / manifest.file.storage_key).read_bytes()

    rows = Item.objects.filter(manifest_id=manifest.pk).order_by("seq")
    assert [data[row.offset : row.offset + row.length] + b"\n" for row in rows] == [
        lines([found]) for found in ITEMS
    ]


def test_stores_the_groups(tmp_path: Path) -> None:
    manifest = stored(tmp_path)

    assert manifest.item_count == 4
    assert manifest.duplicates == 1
    first, second = ItemGroup.objects.filter(manifest=manifest).order_by("no")
    assert first.operation == "responses"
    assert first.model_slugs == ["gpt-5.4-mini"]
    assert (first.item_count, first.input_tokens, first.input_tokens_max) == (3, 27, 9)
    assert (first.output_tokens, first.output_tokens_max) == (50, 50)
    assert first.uncapped_count == 2
    assert first.ranges == ["0-1", "3-3"]
    assert (second.no, second.model_slugs) == (1, ["gpt-5.4"])


def test_stores_what_was_skipped(tmp_path: Path) -> None:
    manifest = stored(tmp_path, data=b"{\n" + lines(ITEMS))

    assert manifest.skipped_count == 1
    assert manifest.skipped == [
        {
            "line": 1,
            "customer_item_id": None,
            "field": "",
            "code": "json_syntax",
            "message": manifest.skipped[0]["message"],
        }
    ]


def test_stores_one_copy_of_equal_files(tmp_path: Path) -> None:
    one, other = stored(tmp_path), stored(tmp_path)

    assert one.file.public_id != other.file.public_id
    assert one.file.storage_key == other.file.storage_key
    assert StoredFile.objects.count() == 2
    assert Item.objects.count() == 8


@pytest.mark.parametrize(
    ("filename", "kept"),
    [
        ("a\x00b\r\n\u202ec.ndjson", "abc.ndjson"),
        ("x" * 300, "x" * 255),
        ("", "manifest.ndjson"),
    ],
)
def test_keeps_a_file_name_that_can_be_shown(
    tmp_path: Path, filename: str, kept: str
) -> None:
    assert stored(tmp_path, filename=filename).file.filename == kept
