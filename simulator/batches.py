"""The /batches endpoints."""

import json
import time
from pathlib import Path

from aiohttp import web

from simulator import checks
from simulator.batch_record import TERMINAL, BatchRecord, new_view
from simulator.batch_run import BatchRunner
from simulator.faults import BATCH_KINDS, CallFacts, Plan
from simulator.files import life_of, paging
from simulator.replying import before_answer, provider_of, send
from simulator.rows import OPERATIONS
from simulator.shelf import page_of
from simulator.wire import (
    ApiError,
    ConnectionDropped,
    Json,
    broken,
    dump,
    new_id,
    not_found,
    parse_object,
)
from simulator.world import WORLD, World

RUNNER = web.AppKey("runner", BatchRunner)
_PEEK_BYTES = 1024 * 1024
_KEYS = {
    "input_file_id": checks.string,
    "endpoint": checks.choice(*OPERATIONS),
    "completion_window": checks.choice("24h"),
    "metadata": checks.metadata,
    "output_expires_after": checks.obj,
}


async def create_batch(request: web.Request) -> web.StreamResponse:
    """POST /batches: errors in the lines only show later, in the batch."""
    world, runner = request.app[WORLD], request.app[RUNNER]
    raw = await request.read()
    asked = parse_object(raw)
    checks.check_keys(asked, _KEYS)
    checks.require(asked, "input_file_id", "endpoint", "completion_window")
    model = _first_model(world, asked["input_file_id"])
    provider = provider_of(request)
    content = raw.decode("utf-8", "replace")
    plan = world.plan(CallFacts(provider, "batch", model, content))
    await before_answer(request, plan)
    record = _new_record(world, asked, CallFacts(provider, "batch", model), plan)
    runner.add(record)
    world.ledger.batches[provider] += 1
    if plan.get("create_reset_after"):
        raise ConnectionDropped
    if plan.get("create_500_after"):
        raise broken()
    return await send(request, dump(record.view), plan)


async def list_batches(request: web.Request) -> web.StreamResponse:
    """GET /batches, newest first."""
    plan = _plan(request, "batch_list")
    await before_answer(request, plan)
    after, limit = paging(request, most=100, usual=20)
    views = [record.view for record in request.app[RUNNER].records.values()]
    return await send(request, dump(page_of(views, after=after, limit=limit)), plan)


async def get_batch(request: web.Request) -> web.StreamResponse:
    """GET /batches/{id}."""
    plan = _plan(request, "batch_get")
    await before_answer(request, plan)
    return await send(request, dump(_find(request).polled()), plan)


async def cancel_batch(request: web.Request) -> web.StreamResponse:
    """POST /batches/{id}/cancel: rows that are done stay done."""
    plan = _plan(request, "batch_cancel")
    await before_answer(request, plan)
    record = _find(request)
    if record.status in TERMINAL:
        message = f"Cannot cancel a batch with status '{record.status}'."
        raise ApiError(409, message)
    if record.status in ("validating", "in_progress") and not record.plan.get(
        "ignore_cancel"
    ):
        record.move("cancelling")
        request.app[RUNNER].save(record)
    return await send(request, dump(record.view), plan)


def _plan(request: web.Request, operation: str) -> Plan:
    facts = CallFacts(provider_of(request), operation, content=request.path)
    return request.app[WORLD].plan(facts)


def _find(request: web.Request) -> BatchRecord:
    batch_id = request.match_info["batch_id"]
    record = request.app[RUNNER].records.get(batch_id)
    if record is None:
        raise not_found(f"No batch found with id '{batch_id}'.")
    return record


def _new_record(world: World, asked: Json, facts: CallFacts, plan: Plan) -> BatchRecord:
    now = time.time()
    seconds = world.settings.batch_seconds
    slow = plan.get("duration")
    if slow:
        seconds = float(slow.options.get("seconds", seconds))
    expiry = asked.get("output_expires_after")
    return BatchRecord(
        view=new_view(new_id("batch_"), asked, facts.model, now),
        provider=facts.provider,
        created=now,
        seconds=seconds,
        faults=[f for f in plan.faults.values() if f.kind in BATCH_KINDS],
        model=facts.model,
        output_life=life_of(expiry, "output_expires_after") if expiry else None,
    )


def _first_model(world: World, file_id: str) -> str:
    """Return the model of the file's first line, or nothing when it names none."""
    try:
        view = world.shelf.get(file_id)
    except ApiError as missing:
        raise ApiError(400, missing.message, param="input_file_id") from missing
    if view["purpose"] != "batch":
        raise checks.invalid("input_file_id", "The file's purpose must be 'batch'.")
    return _peek(world.shelf.path(file_id))


def _peek(path: Path) -> str:
    with path.open("rb") as source:
        raw = source.readline(_PEEK_BYTES)
    try:
        return str(json.loads(raw)["body"]["model"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
