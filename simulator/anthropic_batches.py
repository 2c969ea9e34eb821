"""The /v1/messages/batches endpoints of Anthropic."""

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from simulator import checks
from simulator.anthropic_checks import check_custom_id
from simulator.anthropic_direct import version_of
from simulator.anthropic_lines import REQUESTS_MAX
from simulator.batch_record import TERMINAL, BatchRecord
from simulator.batches import RUNNER, find, new_record, records_of
from simulator.faults import CallFacts, Plan
from simulator.files import paging
from simulator.replying import before_answer, send
from simulator.shelf import page_of
from simulator.wire import ApiError, ConnectionDropped, Json, broken, dump, parse_object
from simulator.world import WORLD

PROVIDER = "anthropic"
BYTES_MAX = 256_000_000
_CHUNK_BYTES = 256 * 1024
_STATUSES = {
    **dict.fromkeys(("validating", "in_progress", "finalizing"), "in_progress"),
    "cancelling": "canceling",
    **dict.fromkeys(TERMINAL, "ended"),
}


async def create(request: web.Request) -> web.StreamResponse:
    """POST /v1/messages/batches: params are only checked when they run."""
    world = request.app[WORLD]
    version = version_of(request)
    raw = await _read(request)
    asked = parse_object(raw)
    requests = _checked(asked)
    model = str(requests[0]["params"].get("model"))
    facts = CallFacts(PROVIDER, "batch", model, raw.decode("utf-8", "replace"))
    plan = world.plan(facts)
    await before_answer(request, plan)
    file_id, path = world.shelf.new_path()
    _write(path, requests, version)
    world.shelf.put(file_id, "requests.jsonl", "batch", None)
    record = new_record(
        world,
        {
            "endpoint": "/v1/messages",
            "input_file_id": file_id,
            "completion_window": "24h",
        },
        CallFacts(PROVIDER, "batch", model),
        plan,
        id_prefix="msgbatch_",
    )
    record.view["request_counts"]["total"] = len(requests)
    request.app[RUNNER].add(record)
    world.ledger.batches[PROVIDER] += 1
    if plan.get("create_reset_after"):
        raise ConnectionDropped
    if plan.get("create_500_after"):
        raise broken()
    return await send(request, dump(_shown(request, record, record.view)), plan)


async def listed(request: web.Request) -> web.StreamResponse:
    """GET /v1/messages/batches, newest first."""
    plan = _plan(request, "batch_list")
    await before_answer(request, plan)
    _, limit = paging(request, most=1_000, usual=20)
    views = [_shown(request, it, it.view) for it in records_of(request)]
    page = page_of(views, after=request.query.get("after_id"), limit=limit)
    del page["object"]
    return await send(request, dump(page), plan)


async def get(request: web.Request) -> web.StreamResponse:
    """GET /v1/messages/batches/{id}."""
    plan = _plan(request, "batch_get")
    await before_answer(request, plan)
    record = find(request)
    return await send(request, dump(_shown(request, record, record.polled())), plan)


async def cancel(request: web.Request) -> web.StreamResponse:
    """POST /v1/messages/batches/{id}/cancel: what is done stays done."""
    plan = _plan(request, "batch_cancel")
    await before_answer(request, plan)
    record = find(request)
    if record.status in TERMINAL:
        raise ApiError(400, "This batch has already ended.")
    record.view["cancel_asked_at"] = time.time()
    can_stop = record.status in ("validating", "in_progress")
    if can_stop and not record.plan.get("ignore_cancel"):
        record.move("cancelling")
    request.app[RUNNER].save(record)
    return await send(request, dump(_shown(request, record, record.view)), plan)


async def delete(request: web.Request) -> web.StreamResponse:
    """DELETE /v1/messages/batches/{id}: only when it has ended."""
    plan = _plan(request, "batch_get")
    await before_answer(request, plan)
    record = find(request)
    if record.status not in TERMINAL:
        raise ApiError(400, "This batch has not ended yet.")
    request.app[RUNNER].forget(record)
    gone = {"id": record.id, "type": "message_batch_deleted"}
    return await send(request, dump(gone), plan)


async def results(request: web.Request) -> web.StreamResponse:
    """GET /v1/messages/batches/{id}/results: rows in no order, or half and a reset."""
    shelf = request.app[WORLD].shelf
    plan = _plan(request, "file_content")
    await before_answer(request, plan)
    record = find(request)
    if record.status not in TERMINAL:
        raise ApiError(404, "Results are available once the batch has ended.")
    # A cut row ends the whole file, so the one that can be cut comes last.
    names = [record.view[f"{kind}_file_id"] for kind in ("error", "output")]
    paths = [shelf.path(name) for name in names if name]
    response = web.StreamResponse()
    response.content_type = "application/x-jsonl"
    response.content_length = sum(path.stat().st_size for path in paths)
    await response.prepare(request)
    left = response.content_length
    if plan.get("reset-after"):
        left //= 2
    for path in paths:
        left = await _send_file(response, path, left)
    if plan.get("reset-after"):
        # Let the half that was written leave before the reset discards it.
        await asyncio.sleep(0.05)
        raise ConnectionDropped
    await response.write_eof()
    return response


async def _send_file(response: web.StreamResponse, path: Path, left: int) -> int:
    """Send at most ``left`` bytes of a file and return how many may still be sent."""
    with path.open("rb") as source:
        while left and (chunk := source.read(min(_CHUNK_BYTES, left))):
            await response.write(chunk)
            left -= len(chunk)
    return left


def _plan(request: web.Request, operation: str) -> Plan:
    facts = CallFacts(PROVIDER, operation, content=request.path)
    return request.app[WORLD].plan(facts)


async def _read(request: web.Request) -> bytes:
    """Return the body, which may be larger than that of other calls."""
    parts: list[bytes] = []
    size = 0
    async for chunk in request.content.iter_chunked(_CHUNK_BYTES):
        size += len(chunk)
        if size > BYTES_MAX:
            raise ApiError(413, "Request exceeds the maximum allowed number of bytes.")
        parts.append(chunk)
    return b"".join(parts)


def _checked(asked: Json) -> list[Json]:
    checks.check_keys(asked, {"requests": checks.array})
    requests = asked.get("requests")
    if not requests or len(requests) > REQUESTS_MAX:
        text = f"requests: expected 1 to {REQUESTS_MAX} items"
        raise checks.invalid("requests", text)
    seen: set[str] = set()
    for index, one in enumerate(requests):
        _check_request(f"requests.{index}", one)
        if one["custom_id"] in seen:
            text = f"requests.{index}.custom_id: must be unique"
            raise checks.invalid("custom_id", text)
        seen.add(one["custom_id"])
    return list(requests)


def _check_request(param: str, one: Any) -> None:
    checks.obj(param, one)
    keys = {"custom_id": checks.string, "params": checks.obj}
    checks.check_keys(one, keys, at=param)
    checks.require(one, "custom_id", "params", at=param)
    check_custom_id(one["custom_id"])
    if one["params"].get("stream"):
        raise checks.invalid("stream", f"{param}.params.stream: not supported")


def _write(path: Path, requests: list[Json], version: str) -> None:
    with path.open("wb") as out:
        for one in requests:
            out.write(dump({**one, "version": version}) + b"\n")


def _shown(request: web.Request, record: BatchRecord, view: Json) -> Json:
    """Return a batch in Anthropic's words; ``view`` is what a poll sees of it."""
    status = _STATUSES.get(view["status"], view["status"])
    asked_at = record.view.get("cancel_asked_at")
    if asked_at is not None and status == "in_progress":
        status = "canceling"
    is_ended = status == "ended"
    has_results = is_ended and view["output_file_id"] == record.view["output_file_id"]
    url = f"{request.scheme}://{request.host}/anthropic/v1/messages/batches/{record.id}"
    return {
        "id": record.id,
        "type": "message_batch",
        "processing_status": status,
        "request_counts": _counts(record, is_ended=is_ended),
        "created_at": _moment(record.created),
        "expires_at": _moment(view["expires_at"]),
        "ended_at": _moment(_ended_at(view)) if is_ended else None,
        "archived_at": None,
        "cancel_initiated_at": None if asked_at is None else _moment(asked_at),
        "results_url": f"{url}/results" if has_results else None,
    }


def _counts(record: BatchRecord, *, is_ended: bool) -> Json:
    counts = record.view["request_counts"]
    total = counts["total"]
    if not is_ended:
        found = {"processing": total}
    elif record.status == "failed":
        found = {"errored": total}
    else:
        unexecuted = record.progress.unexecuted
        given_up = "canceled" if record.status == "cancelled" else "expired"
        found = {
            "succeeded": counts["completed"],
            "errored": counts["failed"] - unexecuted,
            given_up: unexecuted,
        }
    names = ("processing", "succeeded", "errored", "canceled", "expired")
    return {name: found.get(name, 0) for name in names}


def _ended_at(view: Json) -> float:
    moments = [view[f"{status}_at"] for status in TERMINAL]
    return float(next((moment for moment in moments if moment), time.time()))


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
