"""Batches on lanes of a test's choice, dispatched by the product's own services."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson

from accounts.models import Org
from batches.engine.direct import DirectEngine, serve_direct_lanes
from batches.models import Batch, Execution, Quote, ResultRow, Segment, WorkUnit
from batches.services.dispatch import dispatch_batch
from batches.store import store
from batchrouter.kit import clock
from tests.factories.batches import make_batch, make_item, make_quote

Json = dict[str, Any]


def make_texts(*texts: str, **fields: Any) -> list[Json]:
    """Return one item a text, named item-0, item-1 and so on."""
    return [
        make_item(
            number, input={"input": f"{text} ({number})", "max_output_tokens": 50}
        )
        | fields
        for number, text in enumerate(texts)
    ]


def stages_of(org: Org, model: str) -> list[Json]:
    """Return the stages that a quote for this model gets."""
    quote = make_quote(org, [make_item(model=model)])
    stages: list[Json] = quote.decisions[0]["stages"]
    return stages


def dispatched(
    org: Org,
    items: Sequence[Json],
    *lanes: tuple[str, str],
    deadline_in: float = 3600.0,
    **wishes: Any,
) -> Batch:
    """Make a batch whose plan has these (provider, mode) lanes, cut into units.

    Every stage leaves at the deadline; :func:`set_clock` moves that.
    """
    known = {
        (stage["provider"], stage["mode"]): stage
        for model in {_MODELS[provider] for provider, _ in lanes}
        for stage in stages_of(org, model)
    }
    batch = make_batch(org, items, **wishes)
    due = clock.now() + timedelta(seconds=deadline_in)
    for decision in batch.quote.decisions:
        decision["stages"] = [
            known[lane] | {"leave_at": due.isoformat()} for lane in lanes
        ]
    Quote.objects.filter(pk=batch.quote_id).update(decisions=batch.quote.decisions)
    Batch.objects.filter(pk=batch.pk).update(deadline_at=due)
    dispatch_batch(batch.pk, now=clock.now())
    batch.refresh_from_db()
    return batch


# A model of each provider that tests name.
_MODELS = {
    "openai": "gpt-5.4-mini",
    "deepseek": "deepseek-flash",
    "anthropic": "claude-haiku-4-5",
}
DIRECT = ("openai", "direct")
NATIVE = ("openai", "batch")
OTHER = ("deepseek", "direct")


def set_deadline(batch: Batch, at: datetime) -> None:
    """Move a batch's deadline and the end of its units' lanes."""
    Batch.objects.filter(pk=batch.pk).update(deadline_at=at)
    WorkUnit.objects.filter(batch=batch).update(leave_at=at)


def make_due(batch: Batch) -> None:
    """Let every waiting unit be due at once."""
    WorkUnit.objects.filter(batch=batch).update(
        next_action_at=clock.now() - timedelta(seconds=1)
    )


def expire_leases(batch: Batch) -> None:
    """Let the leases of a batch run out, as those of a dead worker do."""
    WorkUnit.objects.filter(batch=batch, state="running").update(
        lease_until=clock.now() - timedelta(seconds=1)
    )


def run_direct() -> None:
    """Serve the direct lanes until nothing is due."""
    DirectEngine().run(budget_seconds=30)


def serve_direct() -> None:
    """The same as a worker does it, which needs a database that commits."""
    serve_direct_lanes(budget_seconds=30)


def rows_of(batch: Batch) -> list[Json]:
    """Return the batch's rows as the customer gets them, in order."""
    keys = dict(Segment.objects.values_list("pk", "storage_key"))
    rows = []
    for row in ResultRow.objects.filter(batch_id=batch.pk).order_by("seq"):
        data = store().path(keys[row.segment_id]).read_bytes()
        rows.append(orjson.loads(data[row.offset : row.offset + row.length]))
    return rows


def statuses_of(batch: Batch) -> list[str]:
    """Return the rows' statuses in order."""
    return [row["status"] for row in rows_of(batch)]


def codes_of(batch: Batch) -> list[str | None]:
    """Return the rows' error codes in order."""
    return [row["error"] and row["error"]["code"] for row in rows_of(batch)]


def units_of(batch: Batch) -> list[WorkUnit]:
    """Return the units in the order of their making."""
    return list(WorkUnit.objects.filter(batch=batch).order_by("pk"))


def executions_of(batch: Batch) -> list[Execution]:
    """Return the executions in the order of their beginning."""
    return list(Execution.objects.filter(batch=batch).order_by("pk"))
