"""Batches with rows, without a provider: the services of the product do the rest."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.test import Client

from accounts.models import Org, Role
from batches.engine.charges import RowMoney
from batches.engine.rows import (
    IndexedItem,
    Lane,
    NewRow,
    RowError,
    RowParts,
    build_row,
)
from batches.models import Batch, Execution, ResultRow, Segment, WorkUnit
from batches.selectors import batch_of
from batches.services.creation import Order, retry_batch
from batches.services.dispatch import dispatch_batch
from batches.services.finalizing import finalize_batch
from batches.services.retrying import Wanted
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


@dataclass(frozen=True)
class Made:
    """A row to be made: an answer, or the error for want of one.

    Attributes:
        failed_check: what a check says that the answer failed.
    """

    text: str | None = None
    status: RowStatus = RowStatus.COMPLETED
    failed_check: str = ""
    error: RowError | None = None
    parsed_json: Any = None
    tool_calls: Any = None
    refusal: str | None = None
    dropped_fields: tuple[str, ...] = ()
    is_repaired: bool = False

    @property
    def output(self) -> Output | None:
        """What the provider answered."""
        if self.error is not None:
            return None
        return Output(
            text=self.text,
            finish_reason="stop",
            tool_calls=self.tool_calls,
            refusal=self.refusal,
        )

    @property
    def checks(self) -> list[dict[str, Any]] | None:
        """What was found of the answer."""
        passed = {"name": "not_empty", "passed": True, "message": "It has text."}
        if not self.failed_check:
            return None if self.error else [passed]
        failed = {"name": "regex", "passed": False, "message": self.failed_check}
        return [passed, failed]


def to_review(text: str, *, why: str = "The pattern is not found.") -> Made:
    """Return an answer that wants a person's eye."""
    return Made(text, status=RowStatus.REVIEW, failed_check=why)


def failed(code: str = "provider_overloaded") -> Made:
    """Return an item that no lane answered."""
    error = RowError(code, "No lane gave an answer.", retryable=True)
    return Made(status=RowStatus.FAILED, error=error)


Answer = str | Made


def running_batch(org: Org, *, items: int, answers: Sequence[Answer]) -> Batch:
    """Make a batch of one work unit whose first items have these answers."""
    batch = make_batch(org, make_items(items))
    _answer(batch, dict(enumerate(answers)), state=UnitState.RUNNING)
    return batch_of(org, batch.public_id)


def finished_batch(org: Org, *answers: Answer) -> Batch:
    """Make a settled batch with these answers, files and both receipts."""
    batch = make_batch(org, make_items(len(answers)))
    return end_batch(batch, dict(enumerate(answers)))


def end_batch(batch: Batch, answers: Mapping[int, Answer]) -> Batch:
    """Answer all items of a batch of one work unit, by their numbers, and settle it."""
    _answer(batch, answers, state=UnitState.DONE)
    finalize_batch(batch.pk, now=clock.now())
    return batch_of(batch.org, batch.public_id)


def retried(batch: Batch, answers: Mapping[int, Answer]) -> Batch:
    """Run a batch's unfinished items again, with these answers, and settle that."""
    order = Order(org=batch.org, key=None, is_test=False)
    return end_batch(retry_batch(order, batch, Wanted(), now=clock.now()), answers)


def _answer(batch: Batch, answers: Mapping[int, Answer], *, state: UnitState) -> None:
    dispatch_batch(batch.pk, now=clock.now())
    unit = WorkUnit.objects.get(batch=batch)
    made = {
        seq: Made(answer) if isinstance(answer, str) else answer
        for seq, answer in answers.items()
    }
    counts = Counter(answer.status for answer in made.values())
    delivered = counts[RowStatus.COMPLETED] + counts[RowStatus.REVIEW]
    execution = _execution(batch, unit, delivered)
    segment = Segment.objects.create(
        batch_id=batch.pk,
        unit_id=unit.pk,
        storage_key=f"segments/{batch.pk}/{unit.pk}",
    )
    part = store().open_part(segment.storage_key)
    for seq, answer in made.items():
        row = _row(batch, seq, answer)
        offset = part.append(row.data)
        _index(row, unit, segment, execution, offset=offset)
    part.flush()
    part.close()
    WorkUnit.objects.filter(pk=unit.pk).update(
        state=state,
        charged_nanousd=delivered * MONEY.charge_nanousd,
        **{f"{status}": counts[status] for status in RowStatus},
    )


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


def _row(batch: Batch, seq: int, answer: Made) -> NewRow:
    now = clock.now()
    is_answered = answer.output is not None
    return build_row(
        RowParts(
            batch_id=batch.public_id,
            item=IndexedItem(seq, f"item-{seq}", 0, 1, 10, 100),
            operation="responses",
            status=answer.status,
            attempts=1,
            started_at=now - timedelta(seconds=2),
            completed_at=now,
            lane=Lane(1, "openai", "gpt-5.4-mini", "direct"),
            output=answer.output,
            parsed_json=answer.parsed_json,
            usage=USAGE if is_answered else None,
            money=MONEY if is_answered else None,
            checks=answer.checks,
            error=answer.error,
            is_repaired=answer.is_repaired,
            dropped_fields=answer.dropped_fields,
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
        error_code=row.error_code,
        completed_at=row.completed_at,
    )
