"""One item through its attempts, for operators: facts only, never what was asked."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.db.models import QuerySet

from batches.models import Batch, Execution, Item, LostCall, ResultRow, WorkUnit
from batchrouter.kit import ids
from batchrouter.kit.errors import NotFound
from batchrouter.kit.money import format_usd


@dataclass(frozen=True, slots=True)
class Attempt:
    """A run that had the item in hand.

    Attributes:
        is_where_the_row_is_from: its answer is the one that counts.
        is_lost: the call may have been made, and nobody has its answer.
    """

    execution: Execution
    unit_id: str
    is_where_the_row_is_from: bool
    is_lost: bool


@dataclass(frozen=True, slots=True)
class Followed:
    """An item, where it went, and its row once it has one.

    Attributes:
        units: from the one that was cut first to the one that has it now.
    """

    item: Item
    item_id: str
    units: list[WorkUnit]
    attempts: list[Attempt]
    row: ResultRow | None

    @property
    def charged(self) -> str:
        """What the customer pays for its row, in US dollars."""
        return format_usd(self.row.charge_nanousd if self.row else 0)

    @property
    def cost(self) -> str:
        """What the answer of its row costs us, in US dollars."""
        return format_usd(self.row.cost_nanousd if self.row else 0)


def follow_item(batch: Batch, name: str) -> Followed:
    """Return an item's way through a batch.

    Args:
        batch: whose.
        name: its number (``17``), the customer's id, or ours (``item_…``).

    Raises:
        NotFound: the batch has no such item.
    """
    item = _item_named(batch, name)
    if item is None:
        raise NotFound(f"Batch {batch.public_id} has no item {name}.")
    row = ResultRow.objects.filter(batch_id=batch.pk, seq=item.seq).first()
    units = list(_units_with(batch, item))
    return Followed(
        item=item,
        item_id=ids.item_id(batch.public_id, item.seq),
        units=units,
        attempts=attempts_at([batch.pk], item, {} if row is None else {batch.pk: row}),
        row=row,
    )


def _item_named(batch: Batch, name: str) -> Item | None:
    items = Item.objects.filter(manifest_id=batch.manifest_id)
    found = items.filter(customer_item_id=name).first()
    if found is None:
        seq = _seq_of(batch, name)
        found = items.filter(seq=seq).first() if seq is not None else None
    return found


def _seq_of(batch: Batch, name: str) -> int | None:
    if name.isascii() and name.isdecimal() and len(name) < 10:
        return int(name)
    seq = ids.seq_of_item_id(name)
    if seq is not None and ids.item_id(batch.public_id, seq) == name:
        return seq
    return None


def _units_with(batch: Batch, item: Item) -> QuerySet[WorkUnit]:
    return WorkUnit.objects.filter(
        batch=batch,
        group_no=item.group_no,
        seq_from__lte=item.seq,
        seq_to__gte=item.seq,
    ).order_by("id")


def attempts_at(
    batch_ids: Collection[int], item: Item, rows: Mapping[int, ResultRow]
) -> list[Attempt]:
    """Return the runs that had an item in hand, the first one first.

    Args:
        batch_ids: a batch, or one with its retries.
        item: as any of them knows it.
        rows: what became of it, by batch; runs that began after that are left out.
    """
    runs = Execution.objects.filter(
        batch_id__in=batch_ids,
        unit__group_no=item.group_no,
        unit__seq_from__lte=item.seq,
        unit__seq_to__gte=item.seq,
    )
    lost = set(
        LostCall.objects.filter(batch_id__in=batch_ids, seq=item.seq).values_list(
            "execution_id", flat=True
        )
    )
    return [
        Attempt(
            execution=run,
            unit_id=run.unit.public_id,
            is_where_the_row_is_from=_is_from(rows.get(run.batch_id), run),
            is_lost=run.pk in lost,
        )
        for run in runs.select_related("unit", "batch").order_by("id")
        if _is_in_time(rows.get(run.batch_id), run)
    ]


def _is_from(row: ResultRow | None, run: Execution) -> bool:
    return row is not None and row.execution_id == run.pk


def _is_in_time(row: ResultRow | None, run: Execution) -> bool:
    return row is None or run.started_at <= row.completed_at
