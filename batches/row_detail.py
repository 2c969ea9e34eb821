"""Everything about one item of a batch: what was asked, what came, and how."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.db.models import OuterRef, QuerySet, Subquery

from batches.content import ContentDeleted
from batches.families import Attempts, Member, attempts_among
from batches.following import Attempt, attempts_at
from batches.manifest.lines import item_line
from batches.models import Batch, Item, ItemVerdict, ResultRow
from batches.selectors import (
    Places,
    manifest_with_hidden_items,
    rows_at,
)
from batches.states import RowStatus
from batches.store import store
from batchrouter.kit.errors import NotFound

_DELIVERED = (RowStatus.COMPLETED, RowStatus.REVIEW)


@dataclass(frozen=True, slots=True)
class RowDetail:
    """An item, its best row of all attempts, and the way there.

    Attributes:
        line: the item as it was sent; None where the input was deleted.
        index: what the database knows of the row; None where there is none yet.
        row: the row's JSON; None where there is none, or its content was deleted.
        from_id: the public id of the batch that the row is from, itself or a retry.
        verdict: what was said of the row last.
        previous_seq, next_seq: the items beside it.
    """

    item: Item
    line: dict[str, Any] | None
    index: ResultRow | None
    row: dict[str, Any] | None
    from_id: str
    runs: tuple[Attempt, ...]
    verdict: ItemVerdict | None
    previous_seq: int | None
    next_seq: int | None


def row_detail(
    batch: Batch, seq: int, family: Sequence[Member], *, with_runs: bool = True
) -> RowDetail:
    """Return what is known of an item, in a fixed number of reads.

    Args:
        batch: whose.
        seq: the item's number.
        family: the batch with its retries.
        with_runs: read the way there too.

    Raises:
        NotFound: the batch has no such item, or hides it.
    """
    found = _item(batch, seq)
    if found is None:
        raise NotFound(f"The batch has no item {seq}.")
    item, previous_seq, next_seq = found
    rows, row = _read_row(batch, seq, family)
    index = best_of(rows)
    public_ids = {member.pk: member.public_id for member in family}
    runs: list[Attempt] = []
    if with_runs:
        by_batch = {each.batch_id: each for each in rows}
        runs = attempts_at(public_ids, item, by_batch)
    return RowDetail(
        item=item,
        line=_read_line(batch, item),
        index=index,
        row=row,
        from_id=public_ids[batch.pk if index is None else index.batch_id],
        runs=tuple(runs),
        verdict=None if index is None else _verdict_on(index),
        previous_seq=previous_seq,
        next_seq=next_seq,
    )


def best_of(rows: Sequence[ResultRow]) -> ResultRow | None:
    """Return the row that counts: a delivered one before others, then the later."""
    return max(
        rows, key=lambda row: (row.status in _DELIVERED, row.batch_id), default=None
    )


def _shown_items(batch: Batch) -> QuerySet[Item]:
    items = Item.objects.filter(manifest_id=batch.manifest_id)
    if manifest_with_hidden_items(batch) is not None:
        items = items.filter(is_golden=False)
    return items


def _item(batch: Batch, seq: int) -> tuple[Item, int | None, int | None] | None:
    """Return an item, and the numbers of those beside it."""
    items = _shown_items(batch)
    earlier = items.filter(seq__lt=OuterRef("seq")).order_by("-seq")
    later = items.filter(seq__gt=OuterRef("seq")).order_by("seq")
    found = (
        items.filter(seq=seq)
        .annotate(
            previous_seq=Subquery(earlier.values("seq")[:1]),
            next_seq=Subquery(later.values("seq")[:1]),
        )
        .first()
    )
    return None if found is None else (found, found.previous_seq, found.next_seq)


def _read_row(
    batch: Batch, seq: int, family: Sequence[Member]
) -> tuple[list[ResultRow], dict[str, Any] | None]:
    """Return the rows of all attempts, and the best one's JSON where it is there.

    The rows of a retry whose content was deleted are left out, as in lists.
    """
    ids = [member.pk for member in family]
    rows = list(ResultRow.objects.filter(batch_id__in=ids, seq=seq))
    told = list(rows)

    def find(among: Attempts | None) -> Places:
        readable = {batch.pk} if among is None else among.public_ids.keys()
        told[:] = [row for row in rows if row.batch_id in readable]
        best = best_of(told)
        return [] if best is None else [_place(best)]

    try:
        found = rows_at(batch, find, attempts_among(family), with_raw=False)
    except ContentDeleted:
        return rows, None
    return told, orjson.loads(found[0][1]) if found else None


def _place(row: ResultRow) -> tuple[int, ...]:
    return (
        row.seq,
        row.segment_id,
        row.offset,
        row.head_length,
        row.length,
        row.batch_id,
    )


def _read_line(batch: Batch, item: Item) -> dict[str, Any] | None:
    """Return an item as it was sent: a line of at most a mebibyte."""
    file = batch.manifest.file
    if batch.content_deleted_at is not None or file.deleted_at is not None:
        return None
    try:
        source = os.open(store().path(file.storage_key), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        return item_line(source, item.offset, item.length)
    finally:
        os.close(source)


def _verdict_on(row: ResultRow) -> ItemVerdict | None:
    verdicts = ItemVerdict.objects.filter(
        batch_id=row.batch_id, seq=row.seq, is_current=True
    )
    return verdicts.select_related("feedback").first()
