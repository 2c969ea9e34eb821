"""From a provider's answer to a row, a retry, or an item for the next lane."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, NamedTuple

from batches.decisions import Decision, StageLane
from batches.engine import charges
from batches.engine.context import BatchContext
from batches.engine.rows import (
    IndexedItem,
    Lane,
    NewRow,
    RowError,
    RowParts,
    build_row,
    preview_of,
)
from batches.golden import is_right
from batches.states import RowStatus
from batches.verification import Verification, check_answer, on_miss, wanted_of
from routing.adapters.registry import cost_bps
from routing.contracts import Answer, Output
from routing.failures import Failure, FailureKind


class Judgement(NamedTuple):
    """What follows from one answer.

    Attributes:
        row: the item's row, when the matter is settled.
        failure: why there is none.
        cost_nanousd: what the provider bills us for this attempt.
        unfit: the answer that failed its checks and is not delivered for it.
        verdict: what the checks found, where there was an answer to check.
    """

    row: NewRow | None
    failure: Failure | None
    cost_nanousd: int
    unfit: "Unfit | None" = None
    verdict: Verification | None = None


@dataclass(frozen=True, slots=True)
class Unfit:
    """An answer that failed its checks, until another one comes.

    Attributes:
        on_fail: where the next try is made.
        checks: what was found, for the row of an item that gets no better answer.
        review_row: that row, where its workflow product promises the last answer for
            review; else the row has no answer and costs nothing.
    """

    on_fail: Literal["retry", "fallback"]
    checks: list[dict[str, Any]]
    review_row: NewRow | None


@dataclass(slots=True)
class Attempt:
    """One item asked on one lane.

    Attributes:
        body: the item's line; empty where it was not read.
        tries: of the item so far, this one included, in earlier executions too.
        dropped_fields: of the item's input, not sent to the lane's provider.
    """

    context: BatchContext
    decision: Decision
    lane: StageLane
    item: IndexedItem
    body: dict[str, Any]
    tries: int
    started_at: datetime
    dropped_fields: tuple[str, ...] = ()


def judge_answer(attempt: Attempt, answer: Answer, *, now: datetime) -> Judgement:
    """Decide what an answer is worth: deliver it, review it, or try again."""
    if answer.failure is not None or answer.output is None:
        failure = answer.failure or Failure(FailureKind.MALFORMED)
        if failure.kind is FailureKind.INVALID:
            return Judgement(failed_row(attempt, failure, now=now), failure, 0)
        return Judgement(None, failure, 0)
    if not is_model_asked_for(attempt.lane, answer.provider_model):
        return Judgement(None, Failure(FailureKind.WRONG_MODEL), 0)
    workflow = attempt.context.workflow_verification
    wanted = wanted_of(attempt.body.get("verify"), workflow)
    verdict = check_answer(attempt.body["input"], wanted, answer.output)
    row = _delivered(attempt, answer, answer.output, verdict, now=now)
    cost = row.money.cost_nanousd
    wish = "review" if verdict.passed else on_miss(verdict, wanted)
    if wish == "review":
        return Judgement(row, None, cost, verdict=verdict)
    unfit = Unfit(
        wish, _checks_json(verdict), review_row=None if workflow is None else row
    )
    failure = Failure(FailureKind.VERIFICATION)
    return Judgement(None, failure, cost, unfit, verdict)


def is_model_asked_for(lane: StageLane, answered: str | None) -> bool:
    """Tell whether the reply names the model that was asked for.

    A dated snapshot of it will do, and so will a short name without the maker's. The
    simulator's stand-ins may call themselves what they like: the row names them.
    """
    if answered is None or answered == lane.provider_model or lane.is_sandbox:
        return True
    names = [_bare_name(lane.provider_model), _bare_name(answered)]
    short, long = sorted(names, key=len)
    if not short or not long.startswith(short):
        return False
    return _SNAPSHOT.fullmatch(long, len(short)) is not None


# Nothing, a date or a build number, a variant such as ``:free``. Not ``-mini``.
_SNAPSHOT = re.compile(r"(?:[-_@][0-9]{3,}[0-9-]*)?(?::[a-z0-9]+)?")


def _bare_name(model: str) -> str:
    return model.lower().rpartition("/")[2].removesuffix("-latest")


def _checks_json(verdict: Verification) -> list[dict[str, Any]]:
    return [dict(check) for check in verdict.checks]


def _delivered(
    attempt: Attempt,
    answer: Answer,
    output: Output,
    verdict: Verification,
    *,
    now: datetime,
) -> NewRow:
    item = attempt.item
    usage = charges.believable(answer.usage)
    source = "provider"
    if usage is None:
        source = "estimated"
        usage = charges.estimated_usage(
            counted_tokens=item.input_tokens, text=output.text
        )
    money = charges.row_money(
        usage,
        terms=attempt.decision.terms,
        lane_price=attempt.lane.price,
        cost_bps=cost_bps(attempt.lane.adapter, attempt.lane.mode, attempt.started_at),
        counted_tokens=item.input_tokens,
        output_cap=attempt.context.output_cap(attempt.decision.group_no, item),
    )
    shown, is_sample = _as_repaired(output, verdict), attempt.context.is_sample
    golden = attempt.body.get("golden")
    if golden is not None:
        money = charges.not_charged(money)
    return build_row(
        RowParts(
            batch_id=attempt.context.public_id,
            item=item,
            operation=attempt.decision.operation,
            status=RowStatus.COMPLETED if verdict.passed else RowStatus.REVIEW,
            attempts=attempt.tries,
            started_at=attempt.started_at,
            completed_at=now,
            lane=row_lane(attempt.lane),
            provider_model=answer.provider_model,
            output=preview_of(shown) if is_sample else shown,
            is_preview=is_sample,
            is_repaired=verdict.is_repaired,
            is_right=None
            if golden is None
            else is_right(golden, output, verdict.parsed_json),
            parsed_json=None if is_sample else verdict.parsed_json,
            usage=usage,
            usage_source=source,
            money=money,
            checks=_checks_json(verdict),
            raw=None if is_sample else answer.raw,
            dropped_fields=attempt.dropped_fields,
        )
    )


def _as_repaired(output: Output, verdict: Verification) -> Output:
    """Return the output with the text that its JSON was read from; raw has the old."""
    if not verdict.is_repaired:
        return output
    return replace(output, text=verdict.repaired_text)


def row_lane(lane: StageLane) -> Lane:
    """Return the lane as rows name it."""
    return Lane(lane.offering_id, lane.provider, lane.model, lane.mode)


def failed_row(
    attempt: Attempt,
    failure: Failure,
    *,
    now: datetime,
    checks: list[dict[str, Any]] | None = None,
) -> NewRow:
    """Write the row of an item that no lane will answer.

    Args:
        attempt: the last one.
        failure: why it is the last.
        now: the end of the item.
        checks: what was found of the last answer, where there was one.
    """
    return build_row(
        RowParts(
            batch_id=attempt.context.public_id,
            item=attempt.item,
            operation=attempt.decision.operation,
            status=RowStatus.FAILED,
            attempts=attempt.tries,
            started_at=attempt.started_at,
            completed_at=now,
            lane=row_lane(attempt.lane),
            checks=checks,
            error=failure_error(failure),
            dropped_fields=attempt.dropped_fields,
        )
    )


def failure_error(failure: Failure) -> RowError:
    """Return a row's error for a failure, in our words."""
    rule = failure.rule
    return RowError(
        code=failure.kind.value,
        message=rule.message,
        retryable=rule.same_lane or rule.next_lane,
        provider_status=failure.provider_status,
    )


CANCELED = RowError(
    "canceled", "The batch was canceled before this item ran.", retryable=True
)
EXPIRED = RowError(
    "deadline_missed",
    "The deadline passed before this item was answered.",
    retryable=True,
)
OUTCOME_UNKNOWN = RowError(
    "outcome_unknown",
    "Two attempts ended without an answer, so the item was not sent a third time.",
    retryable=True,
)


def closing_row(
    context: BatchContext,
    decision: Decision,
    item: IndexedItem,
    *,
    status: RowStatus,
    error: RowError,
    attempts: int,
    now: datetime,
) -> NewRow:
    """Write the row of an item that ends without an answer."""
    return build_row(
        RowParts(
            batch_id=context.public_id,
            item=item,
            operation=decision.operation,
            status=status,
            attempts=attempts,
            started_at=now,
            completed_at=now,
            error=error,
        )
    )
