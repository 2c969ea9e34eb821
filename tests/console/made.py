"""Batches with rows, without a provider: the services of the product do the rest."""

from collections.abc import Sequence
from datetime import timedelta

from django.db.models import F
from django.test import Client

from accounts.models import Org, Role
from batches.engine.charges import RowMoney
from batches.engine.rows import IndexedItem, Lane, NewRow, RowParts, build_row
from batches.models import Batch, Execution, ResultRow, Segment, WorkUnit
from batches.selectors import batch_of
from batches.services.dispatch import dispatch_batch
from batches.services.finalizing import finalize_batch
from batches.states import ExecutionState, RowStatus, UnitState
from batches.store import store
from batchrouter.kit import clock
from routing.contracts import Output, Usage
from tests.factories.accounts import MembershipFactory
from tests.factories.batches import make_batch, make_items

USAGE = Usage(
    input_tokens=12_345, cached_tokens=0, output_tokens=50, reasoning_tokens=0
)
# Of one row: two hundred-thousandths of a dollar, and our fee of five percent of it.
MONEY = RowMoney(subtotal_nanousd=20_000, fee_nanousd=1_000, cost_nanousd=18_000)


def browser_of(org: Org, role: str = Role.OWNER) -> Client:
    """Return a browser in which somebody of the organization is logged in."""
    client = Client()
    client.force_login(MembershipFactory.create(org=org, role=role).user)
    return client


def running_batch(org: Org, *, items: int, answers: Sequence[str]) -> Batch:
    """Make a batch of one work unit whose first items have these answers."""
    batch = make_batch(org, make_items(items))
    dispatch_batch(batch.pk, now=clock.now())
    unit = WorkUnit.objects.get(batch=batch)
    _answer(batch, unit, answers)
    WorkUnit.objects.filter(pk=unit.pk).update(
        state=UnitState.RUNNING, completed=F("completed") + len(answers)
    )
    return batch_of(org, batch.public_id)


def finished_batch(org: Org, *answers: str) -> Batch:
    """Make a settled batch with these answers, files and both receipts."""
    batch = running_batch(org, items=len(answers), answers=answers)
    WorkUnit.objects.filter(batch=batch).update(state=UnitState.DONE)
    finalize_batch(batch.pk, now=clock.now())
    return batch_of(org, batch.public_id)


def _answer(batch: Batch, unit: WorkUnit, answers: Sequence[str]) -> None:
    execution = _execution(batch, unit, len(answers))
    segment = Segment.objects.create(
        batch_id=batch.pk, unit_id=unit.pk, storage_key=f"parts/{batch.public_id}"
    )
    part = store().open_part(segment.storage_key)
    for seq, text in enumerate(answers):
        row = _row(batch, seq, text)
        offset = part.append(row.data)
        _index(row, unit, segment, execution, offset=offset)
    part.flush()
    part.close()


def _execution(batch: Batch, unit: WorkUnit, completed: int) -> Execution:
    now = clock.now()
    stage = batch.quote.decisions[0]["stages"][0]
    return Execution.objects.create(
        state=ExecutionState.ENDED,
        state_at=now,
        batch=batch,
        unit=unit,
        stage=0,
        offering_id=stage["offering_id"],
        provider=stage["provider"],
        model=stage["model"],
        provider_model=stage["model"],
        mode=stage["mode"],
        item_count=unit.item_count,
        completed=completed,
        started_at=now - timedelta(seconds=10),
    )


def _row(batch: Batch, seq: int, text: str) -> NewRow:
    now = clock.now()
    return build_row(
        RowParts(
            batch_id=batch.public_id,
            item=IndexedItem(seq, f"item-{seq}", 0, 1, 10, 100),
            operation="responses",
            status=RowStatus.COMPLETED,
            attempts=1,
            started_at=now,
            completed_at=now,
            lane=Lane(1, "openai", "gpt-5.4-mini", "direct"),
            output=Output(text=text, finish_reason="stop"),
            usage=USAGE,
            money=MONEY,
            raw=b"{}",
        )
    )


def _index(
    row: NewRow, unit: WorkUnit, segment: Segment, execution: Execution, *, offset: int
) -> None:
    ResultRow.objects.create(
        batch_id=unit.batch_id,
        seq=row.seq,
        unit_id=unit.pk,
        status=row.status,
        segment_id=segment.pk,
        offset=offset,
        head_length=row.head_length,
        length=len(row.data),
        execution_id=execution.pk,
        offering_id=execution.offering_id,
        input_tokens=row.usage.input_tokens,
        cached_tokens=row.usage.cached_tokens,
        output_tokens=row.usage.output_tokens,
        reasoning_tokens=row.usage.reasoning_tokens,
        subtotal_nanousd=row.money.subtotal_nanousd,
        charge_nanousd=row.money.charge_nanousd,
        cost_nanousd=row.money.cost_nanousd,
        attempts=row.attempts,
        completed_at=row.completed_at,
    )
