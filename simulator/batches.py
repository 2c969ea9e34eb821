"""The /batches endpoints."""

import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from simulator import checks
from simulator.batch_record import TERMINAL, BatchRecord, new_view
from simulator.batch_run import BatchRunner
from simulator.faults import BATCH_KINDS, CallFacts, Plan
from simulator.files import life_of, paging
from simulator.replying import before_answer, send
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
from simulator.wires import provider_of
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
_CHAT = "/v1/chat/completions"
_WINDOW = re.compile(r"(\d{1,4})([hd])")
_WINDOW_UNITS = {"h": 3_600, "d": 86_400}
_DAY_SECONDS, _WEEK_SECONDS = 86_400, 7 * 86_400


def _groq_window(param: str, value: Any) -> None:
    checks.string(param, value)
    if not _DAY_SECONDS <= window_seconds(value) <= _WEEK_SECONDS:
        raise checks.invalid(param, f"Invalid '{param}': expected 24h to 7d.")


# Those of the family that take other keys, and show fewer.
_KEYS_OF: Mapping[str, Mapping[str, checks.Check]] = {
    "groq": {
        "input_file_id": checks.string,
        "endpoint": checks.choice(_CHAT),
        "completion_window": _groq_window,
        "metadata": checks.metadata,
    }
}
_NOT_SHOWN = {"groq": ("model", "usage")}


async def create_batch(request: web.Request) -> web.StreamResponse:
    """POST /batches: errors in the lines only show later, in the batch."""
    world = request.app[WORLD]
    raw = await request.read()
    asked = parse_object(raw)
    provider = provider_of(request)
    checks.check_keys(asked, _KEYS_OF.get(provider, _KEYS))
    checks.require(asked, "input_file_id", "endpoint", "completion_window")
    model = model_of_file(world, asked["input_file_id"], purpose="batch")
    content = raw.decode("utf-8", "replace")
    plan = world.plan(CallFacts(provider, "batch", model, content))
    await before_answer(request, plan)
    record = new_record(world, asked, CallFacts(provider, "batch", model), plan)
    window = window_seconds(asked["completion_window"])
    record.view["expires_at"] = record.view["created_at"] + window
    start(request, record)
    return await send_made(request, _shown(record.view, provider), plan)


def start(request: web.Request, record: BatchRecord) -> None:
    """Run a new batch and count it."""
    request.app[RUNNER].add(record)
    request.app[WORLD].ledger.batches[record.provider] += 1


async def send_made(
    request: web.Request, shown: Any, plan: Plan, status: int = 200
) -> web.StreamResponse:
    """Answer the call that made a batch, as broken as the plan says."""
    if plan.get("create_reset_after"):
        raise ConnectionDropped
    if plan.get("create_500_after"):
        raise broken()
    response = await send(request, dump(shown), plan)
    if not response.prepared:
        response.set_status(status)
    return response


async def list_batches(request: web.Request) -> web.StreamResponse:
    """GET /batches, newest first."""
    plan = plan_of(request, "batch_list")
    await before_answer(request, plan)
    after, limit = paging(request, most=100, usual=20)
    provider = provider_of(request)
    views = [_shown(record.view, provider) for record in records_of(request)]
    return await send(request, dump(page_of(views, after=after, limit=limit)), plan)


async def get_batch(request: web.Request) -> web.StreamResponse:
    """GET /batches/{id}."""
    plan = plan_of(request, "batch_get")
    await before_answer(request, plan)
    shown = _shown(find(request).polled(), provider_of(request))
    return await send(request, dump(shown), plan)


async def cancel_batch(request: web.Request) -> web.StreamResponse:
    """POST /batches/{id}/cancel: rows that are done stay done."""
    plan = plan_of(request, "batch_cancel")
    await before_answer(request, plan)
    record = find(request)
    if record.status in TERMINAL:
        message = f"Cannot cancel a batch with status '{record.status}'."
        raise ApiError(409, message)
    stop(request, record)
    return await send(request, dump(_shown(record.view, record.provider)), plan)


def stop(request: web.Request, record: BatchRecord) -> None:
    """Stop a batch unless it is past that, or scripted not to."""
    can_stop = record.status in ("validating", "in_progress")
    if can_stop and not record.plan.get("ignore_cancel"):
        record.move("cancelling")
        request.app[RUNNER].save(record)


def window_seconds(window: str) -> int:
    """Return the seconds of a completion window such as ``24h``; 0 for nonsense."""
    found = _WINDOW.fullmatch(window)
    return int(found[1]) * _WINDOW_UNITS[found[2]] if found else 0


def _shown(view: Json, provider: str) -> Json:
    unshown = _NOT_SHOWN.get(provider, ())
    return {key: value for key, value in view.items() if key not in unshown}


def plan_of(request: web.Request, operation: str) -> Plan:
    """Return the faults for a call about batches that has no body of interest."""
    facts = CallFacts(provider_of(request), operation, content=request.path)
    return request.app[WORLD].plan(facts)


def records_of(request: web.Request) -> list[BatchRecord]:
    """Return the batches of the provider that is asked, oldest first."""
    provider = provider_of(request)
    records = request.app[RUNNER].records.values()
    return [record for record in records if record.provider == provider]


def find(request: web.Request) -> BatchRecord:
    """Return the batch that the path names.

    Raises:
        ApiError: 404 when the provider that is asked has none by this id.
    """
    batch_id = request.match_info["batch_id"]
    record = request.app[RUNNER].records.get(batch_id)
    if record is None or record.provider != provider_of(request):
        raise not_found(f"No batch found with id '{batch_id}'.")
    return record


def new_record(
    world: World, asked: Json, facts: CallFacts, plan: Plan, id_prefix: str = "batch_"
) -> BatchRecord:
    """Return a batch that is to run, with the faults that were scripted for it."""
    now = time.time()
    seconds = world.settings.batch_seconds
    slow = plan.get("duration")
    if slow:
        seconds = float(slow.options.get("seconds", seconds))
    expiry = asked.get("output_expires_after")
    return BatchRecord(
        view=new_view(new_id(id_prefix), asked, facts.model, now),
        provider=facts.provider,
        created=now,
        seconds=seconds,
        faults=[f for f in plan.faults.values() if f.kind in BATCH_KINDS],
        model=facts.model,
        output_life=life_of(expiry, "output_expires_after") if expiry else None,
    )


def model_of_file(world: World, file_id: str, *, purpose: str) -> str:
    """Return the model of the file's first line, or nothing when it names none.

    Raises:
        ApiError: 400 when the file is not there or has another purpose.
    """
    try:
        view = world.shelf.get(file_id)
    except ApiError as missing:
        raise ApiError(400, missing.message, param="input_file_id") from missing
    if view["purpose"] != purpose:
        text = f"The file's purpose must be '{purpose}'."
        raise checks.invalid("input_file_id", text)
    return _peek(world.shelf.path(file_id))


def _peek(path: Path) -> str:
    with path.open("rb") as source:
        raw = source.readline(_PEEK_BYTES)
    try:
        return str(json.loads(raw)["body"]["model"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
