"""The /batch/jobs endpoints of Mistral."""

from collections.abc import Iterable
from typing import Any

from aiohttp import web

from simulator import checks
from simulator.batch_record import TERMINAL, BatchRecord
from simulator.batches import RUNNER, find, new_record, records_of
from simulator.faults import CallFacts, Plan
from simulator.mistral_lines import OPERATIONS, kept_lines
from simulator.replying import before_answer, send
from simulator.wire import (
    ApiError,
    ConnectionDropped,
    Json,
    broken,
    dump,
    parse_object,
)
from simulator.world import WORLD, World

PROVIDER = "mistral"
INLINE_MAX = 10_000
_STATUSES = {
    "validating": "QUEUED",
    **dict.fromkeys(("in_progress", "finalizing"), "RUNNING"),
    "cancelling": "CANCELLATION_REQUESTED",
    "completed": "SUCCESS",
    "failed": "FAILED",
    "expired": "TIMEOUT_EXCEEDED",
    "cancelled": "CANCELLED",
}
_KEYS = {
    "endpoint": checks.choice(*OPERATIONS),
    "input_files": checks.array,
    "requests": checks.array,
    "model": checks.string,
    "agent_id": checks.string,
    "metadata": checks.obj,
    "timeout_hours": checks.integer(1, 167),
}


async def create(request: web.Request) -> web.StreamResponse:
    """POST /batch/jobs: the lines are only checked when they run."""
    world = request.app[WORLD]
    raw = await request.read()
    asked = _checked(parse_object(raw))
    model = asked.get("model") or ""
    facts = CallFacts(PROVIDER, "batch", model, raw.decode("utf-8", "replace"))
    plan = world.plan(facts)
    await before_answer(request, plan)
    lines = _lines(world, asked)
    file_id, path = world.shelf.new_path()
    with path.open("wb") as out:
        out.writelines(kept_lines(lines, model, OPERATIONS[asked["endpoint"]]))
    world.shelf.put(file_id, "requests.jsonl", "batch", None)
    kept: Json = {
        "endpoint": asked["endpoint"],
        "input_file_id": file_id,
        "completion_window": "24h",
        "metadata": asked.get("metadata"),
    }
    record = new_record(
        world, kept, CallFacts(PROVIDER, "batch", model), plan, id_prefix=""
    )
    record.view["input_files"] = asked.get("input_files") or []
    request.app[RUNNER].add(record)
    world.ledger.batches[PROVIDER] += 1
    if plan.get("create_reset_after"):
        raise ConnectionDropped
    if plan.get("create_500_after"):
        raise broken()
    return await send(request, dump(_shown(record, record.view)), plan)


async def listed(request: web.Request) -> web.StreamResponse:
    """GET /batch/jobs by pages, newest first."""
    plan = _plan(request, "batch_list")
    await before_answer(request, plan)
    page, size = (
        int(request.query.get(name) or usual)
        for name, usual in (("page", 0), ("page_size", 100))
    )
    records = records_of(request)[::-1]
    chosen = records[page * size : (page + 1) * size]
    data = [_shown(record, record.view) for record in chosen]
    body = {"object": "list", "data": data, "total": len(records)}
    return await send(request, dump(body), plan)


async def get(request: web.Request) -> web.StreamResponse:
    """GET /batch/jobs/{id}."""
    plan = _plan(request, "batch_get")
    await before_answer(request, plan)
    record = find(request)
    return await send(request, dump(_shown(record, record.polled())), plan)


async def cancel(request: web.Request) -> web.StreamResponse:
    """POST /batch/jobs/{id}/cancel: what is done stays done."""
    plan = _plan(request, "batch_cancel")
    await before_answer(request, plan)
    record = find(request)
    if record.status in TERMINAL:
        raise ApiError(400, "The job has already ended.")
    can_stop = record.status in ("validating", "in_progress")
    if can_stop and not record.plan.get("ignore_cancel"):
        record.move("cancelling")
        request.app[RUNNER].save(record)
    return await send(request, dump(_shown(record, record.view)), plan)


def _plan(request: web.Request, operation: str) -> Plan:
    facts = CallFacts(PROVIDER, operation, content=request.path)
    return request.app[WORLD].plan(facts)


def _checked(asked: Json) -> Json:
    try:
        checks.check_keys(asked, _KEYS)
        checks.require(asked, "endpoint")
        for key, value in (asked.get("metadata") or {}).items():
            if len(key) > 32 or len(str(value)) > 512:
                raise checks.invalid("metadata", "key or value is too long")
        given = [name for name in ("input_files", "requests") if asked.get(name)]
        if len(given) != 1:
            raise checks.invalid("input_files", "give files or requests")
        if len(asked.get("requests") or ()) > INLINE_MAX:
            raise checks.invalid("requests", f"at most {INLINE_MAX}")
    except ApiError as refusal:
        raise ApiError(422, refusal.message, param=refusal.param) from refusal
    return asked


def _lines(world: World, asked: Json) -> Iterable[bytes]:
    if asked.get("requests"):
        return [dump(one) for one in asked["requests"]]
    found: list[bytes] = []
    for name in asked["input_files"]:
        try:
            world.shelf.get(str(name))
        except ApiError as missing:
            raise ApiError(400, "An input file does not exist.") from missing
        found += world.shelf.path(str(name)).read_bytes().splitlines(keepends=True)
    return found


def _shown(record: BatchRecord, view: Json) -> Json:
    """Return a job in Mistral's words; ``view`` is what a poll sees of it."""
    counts = view["request_counts"]
    done, failed = counts["completed"], counts["failed"]
    errors: list[Any] = (view["errors"] or {}).get("data") or []
    return {
        "id": record.id,
        "object": "batch",
        "input_files": view["input_files"],
        "endpoint": view["endpoint"],
        "model": record.model or None,
        "agent_id": None,
        "metadata": view["metadata"],
        "errors": [{"message": entry["message"], "count": 1} for entry in errors],
        # A scripted status may be one that nobody knows.
        "status": _STATUSES.get(view["status"]) or str(view["status"]).upper(),
        "created_at": view["created_at"],
        "started_at": view["in_progress_at"],
        "completed_at": _ended_at(view),
        "total_requests": counts["total"],
        "completed_requests": done + failed,
        "succeeded_requests": done,
        "failed_requests": failed,
        "output_file": view["output_file_id"],
        "error_file": view["error_file_id"],
        "outputs": None,
    }


def _ended_at(view: Json) -> int | None:
    moments = [view[f"{status}_at"] for status in TERMINAL]
    return next((int(moment) for moment in moments if moment), None)
