"""One item through its attempts, for operators: facts only, never what was asked."""

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
        attempts=_attempts(units, item, row),
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


def _attempts(
    units: list[WorkUnit], item: Item, row: ResultRow | None
) -> list[Attempt]:
    """Return the runs of its units, without those that began after it had a row."""
    names = {unit.pk: unit.public_id for unit in units}
    runs = Execution.objects.filter(unit__in=names).order_by("id")
    if row is not None:
        runs = runs.filter(started_at__lte=row.completed_at)
    lost = set(
        LostCall.objects.filter(
            seq=item.seq, execution_id__in=runs.values("pk")
        ).values_list("execution_id", flat=True)
    )
    return [
        Attempt(
            execution=run,
            unit_id=names[run.unit_id],
            is_where_the_row_is_from=row is not None and row.execution_id == run.pk,
            is_lost=run.pk in lost,
        )
        for run in runs
    ]
