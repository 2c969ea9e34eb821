"""A batch with all of it that moves, in one query: its page asks every two seconds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    Count,
    F,
    Func,
    IntegerField,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Sum,
)
from django.db.models.functions import Coalesce, JSONObject

from accounts.models import Org
from batches.models import Batch, Execution, WorkUnit
from batches.selectors import Standing, batches_of, standing_from
from batches.states import UnitState
from batchrouter.kit.errors import NotFound

# Work units on a batch's page; all of them are in the route receipt.
UNITS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Board:
    """A batch and all of it that moves.

    Attributes:
        review_count: rows that want a person's eye.
        charged_nanousd: of the rows so far, each with its share of the fee.
        units: the first ones, each with the provider and model of its lane.
        delivered: how much each provider answered, in the order of their first runs.
        fallbacks: runs on a lane that was not the first choice.
        retries: tries that failed and were followed by another.
    """

    batch: Batch
    standing: Standing
    review_count: int
    charged_nanousd: int
    units: tuple[Mapping[str, Any], ...]
    has_more_units: bool
    delivered: tuple[tuple[str, int], ...]
    fallbacks: int
    retries: int


def board_of(org: Org, public_id: str) -> Board:
    """Return an organization's batch with what moves of it, in one query.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    return _board(batches_of(org), public_id)


def moving_board_of(org: Org, public_id: str) -> Board:
    """Return the same as :func:`board_of`, of a batch without its files.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    return _board(Batch.objects.filter(org=org).select_related("quote"), public_id)


def _board(batches: QuerySet[Batch], public_id: str) -> Board:
    units = WorkUnit.objects.filter(batch=OuterRef("pk"))
    executions = Execution.objects.filter(batch=OuterRef("pk"))
    batch = (
        batches.filter(public_id=public_id)
        .annotate(
            sums=ArraySubquery(_sums(units)),
            units_shown=ArraySubquery(
                units.order_by("id").values(data=_UNIT)[: UNITS_SHOWN + 1]
            ),
            runs=ArraySubquery(_runs(executions)),
        )
        .first()
    )
    if batch is None:
        raise NotFound("There is no such batch.")
    shown = batch.units_shown
    sums = batch.sums[0] if batch.sums else _NO_UNITS
    return Board(
        batch=batch,
        standing=_standing(batch, sums),
        review_count=sums["review"],
        charged_nanousd=sums["charged"],
        units=tuple(_with_lane(unit, batch) for unit in shown[:UNITS_SHOWN]),
        has_more_units=len(shown) > UNITS_SHOWN,
        delivered=tuple((run["provider"], run["completed"]) for run in batch.runs),
        fallbacks=sum(run["fallbacks"] for run in batch.runs),
        retries=sum(run["failures"] for run in batch.runs),
    )


_DONE = F("completed") + F("review") + F("failed") + F("canceled") + F("expired")
_UNIT = JSONObject(
    id="public_id",
    state="state",
    group_no="group_no",
    seq_from="seq_from",
    seq_to="seq_to",
    item_count="item_count",
    mode="mode",
    stage="stage",
    done=_DONE,
    next_action_at="next_action_at",
    stages="plan__stages",
)
_FAILURES = Func(
    F("failures"),
    template="(SELECT sum(value::int) FROM jsonb_each_text(%(expressions)s))",
    output_field=IntegerField(),
)


def _runs(executions: QuerySet[Execution]) -> QuerySet[Execution, Any]:
    """Sum the executions by provider, as ``batches.rendering`` does."""
    summed: QuerySet[Execution, Any] = (
        executions.values("provider")
        .annotate(
            first=Min("id"),
            done=Sum("completed"),
            moved=Count("id", filter=Q(stage__gt=0)),
            failed=Coalesce(Sum(_FAILURES), 0),
        )
        .order_by("first")
        .values(
            data=JSONObject(
                provider="provider",
                completed="done",
                fallbacks="moved",
                failures="failed",
            )
        )
    )
    return summed


_IN_HAND = Q(state__in=(UnitState.RUNNING, UnitState.WAITING))


def _sums(units: QuerySet[WorkUnit]) -> QuerySet[WorkUnit, Any]:
    """Sum all units, as ``batches.selectors.STANDING`` does; no row without a unit."""
    summed: QuerySet[WorkUnit, Any] = (
        units.order_by()
        .values("batch_id")
        .annotate(
            delivered=Sum(F("completed") + F("review")),
            failed_sum=Sum("failed"),
            canceled_sum=Sum("canceled"),
            expired_sum=Sum("expired"),
            running=Coalesce(Sum(F("item_count") - _DONE, filter=_IN_HAND), 0),
            last_at=Max("rows_at"),
            review_sum=Sum("review"),
            charged_sum=Sum("charged_nanousd"),
        )
        .values(
            data=JSONObject(
                delivered="delivered",
                failed="failed_sum",
                canceled="canceled_sum",
                expired="expired_sum",
                running="running",
                rows_at="last_at",
                review="review_sum",
                charged="charged_sum",
            )
        )
    )
    return summed


_NO_UNITS = dict.fromkeys(
    ("delivered", "failed", "canceled", "expired", "running", "review", "charged"), 0
)


def _standing(batch: Batch, sums: Mapping[str, Any]) -> Standing:
    rows_at = sums.get("rows_at")
    return standing_from(
        batch,
        [
            *(sums[name] for name in ("delivered", "failed", "canceled", "expired")),
            sums["running"],
            None if rows_at is None else datetime.fromisoformat(rows_at),
        ],
    )


def _with_lane(unit: Mapping[str, Any], batch: Batch) -> Mapping[str, Any]:
    stages = unit["stages"] or next(
        stored["stages"]
        for stored in batch.quote.decisions
        if stored["group_no"] == unit["group_no"]
    )
    stage = stages[unit["stage"]]
    return {**unit, "provider": stage["provider"], "model": stage["model"]}
