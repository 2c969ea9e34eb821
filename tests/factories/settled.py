"""Settled batches whose rows were written by a test, as if a provider had answered."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from batches import decisions
from batches.engine import charges
from batches.models import Batch, Execution, Item, ResultRow, WorkUnit
from batches.services.dispatch import dispatch_batch
from batches.services.rolling_up import roll_up_missing
from batches.states import ExecutionState
from batchrouter.kit import clock
from batchrouter.kit.money import fee_nanousd
from routing.contracts import Usage


@dataclass(frozen=True)
class Asked:
    """An item and the lane that answers it.

    Attributes:
        counted_tokens: our o200k count.
        factor_bps: the provider's tokens per o200k token, times 10,000.
    """

    seq: int
    counted_tokens: int
    provider: str
    model: str
    factor_bps: int


Answers = Callable[[Asked], Usage]


def settle(batch: Batch, answers: Answers, *, at: datetime) -> int:
    """Write every item's row on its first lane, end the batch, and sum it up.

    Returns:
        The charge with the fee, in nano-dollars.
    """
    dispatch_batch(batch.pk, now=clock.now())
    subtotal = sum(
        _write_rows(unit, answers, at=at)
        for unit in WorkUnit.objects.filter(batch=batch).order_by("id")
    )
    charged = subtotal + fee_nanousd(subtotal, fee_bps=batch.quote.fee_bps)
    Batch.objects.filter(pk=batch.pk).update(
        state="completed", completed_at=at, charged_nanousd=charged
    )
    roll_up_missing()
    return charged


def _write_rows(unit: WorkUnit, answers: Answers, *, at: datetime) -> int:
    batch = unit.batch
    stored = next(
        each for each in batch.quote.decisions if each["group_no"] == unit.group_no
    )
    decision = decisions.from_json(stored)
    stage = decision.stages[0]
    execution = Execution.objects.create(
        batch=batch,
        unit=unit,
        stage=0,
        offering_id=stage.offering_id,
        provider=stage.provider,
        model=stage.model,
        provider_model=stage.provider_model,
        mode=stage.mode,
        item_count=unit.item_count,
        completed=unit.item_count,
        state=ExecutionState.ENDED,
        state_at=at,
    )
    rows = []
    items = Item.objects.filter(
        manifest_id=batch.manifest_id,
        group_no=unit.group_no,
        seq__range=(unit.seq_from, unit.seq_to),
    )
    for item in items.order_by("seq"):
        usage = answers(
            Asked(
                item.seq,
                item.input_tokens,
                stage.provider,
                stage.model,
                decision.terms.factor_bps,
            )
        )
        money = charges.row_money(
            usage,
            terms=decision.terms,
            lane_price=stage.price,
            counted_tokens=item.input_tokens,
            output_cap=item.max_output_tokens or decision.terms.default_cap,
        )
        rows.append(_row(item, unit, execution, usage, money, at))
    ResultRow.objects.bulk_create(rows)
    WorkUnit.objects.filter(pk=unit.pk).update(state="done", completed=len(rows))
    return sum(row.subtotal_nanousd for row in rows)


def _row(
    item: Item,
    unit: WorkUnit,
    execution: Execution,
    usage: Usage,
    money: charges.RowMoney,
    at: datetime,
) -> ResultRow:
    return ResultRow(
        batch_id=unit.batch_id,
        seq=item.seq,
        unit_id=unit.pk,
        status="completed",
        segment_id=uuid.uuid4().int % 1_000_000,
        offset=0,
        head_length=0,
        length=0,
        execution_id=execution.pk,
        offering_id=execution.offering_id,
        input_tokens=usage.input_tokens,
        cached_tokens=usage.cached_tokens,
        output_tokens=usage.output_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        subtotal_nanousd=money.subtotal_nanousd,
        charge_nanousd=money.charge_nanousd,
        cost_nanousd=money.cost_nanousd,
        attempts=1,
        error_code="",
        completed_at=at,
    )
