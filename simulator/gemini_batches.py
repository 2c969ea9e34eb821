"""Gemini's batches: operations whose results stand inside them or in a file."""

import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from simulator import checks
from simulator.batch_record import TERMINAL, BatchRecord
from simulator.batches import RUNNER, find, new_record, records_of
from simulator.faults import CallFacts, Plan
from simulator.gemini_lines import kept_lines
from simulator.replying import before_answer, send
from simulator.shelf import Shelf, page_of
from simulator.wire import (
    ApiError,
    ConnectionDropped,
    Json,
    broken,
    dump,
    parse_object,
)
from simulator.world import WORLD, World

PROVIDER = "gemini"
INLINE_BYTES_MAX = 20_000_000
ENDPOINTS = frozenset({"batchGenerateContent", "asyncBatchEmbedContent"})
_STATES = {
    "validating": "PENDING",
    **dict.fromkeys(("in_progress", "finalizing", "cancelling"), "RUNNING"),
    "completed": "SUCCEEDED",
    "failed": "FAILED",
    "expired": "EXPIRED",
    "cancelled": "CANCELLED",
}
# Marks a request that came inline without a key: its place tells it.
_NO_KEY = "#"
_TYPE = "type.googleapis.com/google.ai.generativelanguage.v1.GenerateContentBatch"


async def create(request: web.Request, model: str, verb: str) -> web.StreamResponse:
    """POST :batchGenerateContent: requests are only checked when they run."""
    world = request.app[WORLD]
    raw = await request.read()
    asked_for = parse_object(raw)
    checks.require(asked_for, "batch")
    batch: Json = asked_for["batch"]
    checks.obj("batch", batch)
    source: Json = batch.get("inputConfig") or {}
    checks.obj("batch.input_config", source)
    if len(raw) >= INLINE_BYTES_MAX:
        raise ApiError(400, "Request payload size exceeds the limit.")
    facts = CallFacts(PROVIDER, "batch", model, raw.decode("utf-8", "replace"))
    plan = world.plan(facts)
    await before_answer(request, plan)
    asked: Json = {
        "endpoint": verb,
        "input_file_id": _keep(world, source, model, verb),
        "completion_window": "24h",
        "metadata": {
            "displayName": batch.get("displayName"),
            "isInline": "requests" in source,
        },
    }
    record = new_record(
        world, asked, CallFacts(PROVIDER, "batch", model), plan, id_prefix=""
    )
    request.app[RUNNER].add(record)
    world.ledger.batches[PROVIDER] += 1
    if plan.get("create_reset_after"):
        raise ConnectionDropped
    if plan.get("create_500_after"):
        raise broken()
    return await send(request, dump(_shown(world, record, record.view)), plan)


async def listed(request: web.Request) -> web.StreamResponse:
    """GET /batches, newest first; inline results are left out."""
    plan = _plan(request, "batch_list")
    await before_answer(request, plan)
    text = request.query.get("pageSize", "50")
    size = min(int(text), 1_000) if text.isdigit() else 50
    records = {record.id: record for record in records_of(request)}
    views = [{"id": record_id} for record_id in records]
    after = request.query.get("pageToken") or None
    page = page_of(views, after=after, limit=max(1, size))
    world = request.app[WORLD]
    shown = [
        _shown(world, records[it["id"]], records[it["id"]].view, with_rows=False)
        for it in page["data"]
    ]
    body: Json = {"operations": shown} if shown else {}
    if page["has_more"]:
        body["nextPageToken"] = page["last_id"]
    return await send(request, dump(body), plan)


async def get(request: web.Request) -> web.StreamResponse:
    """GET /batches/{id}."""
    plan = _plan(request, "batch_get")
    await before_answer(request, plan)
    record = find(request)
    shown = _shown(request.app[WORLD], record, record.polled())
    return await send(request, dump(shown), plan)


async def cancel(request: web.Request) -> web.StreamResponse:
    """POST /batches/{id}:cancel: what is done stays done."""
    plan = _plan(request, "batch_cancel")
    await before_answer(request, plan)
    record = find(request)
    if record.status in TERMINAL:
        raise ApiError(400, "The batch has already ended.")
    can_stop = record.status in ("validating", "in_progress")
    if can_stop and not record.plan.get("ignore_cancel"):
        record.move("cancelling")
        request.app[RUNNER].save(record)
    return await send(request, b"{}", plan)


async def delete(request: web.Request) -> web.StreamResponse:
    """DELETE /batches/{id}: only when it has ended."""
    plan = _plan(request, "batch_get")
    await before_answer(request, plan)
    record = find(request)
    if record.status not in TERMINAL:
        raise ApiError(400, "The batch has not ended yet.")
    request.app[RUNNER].forget(record)
    return await send(request, b"{}", plan)


def result_paths(shelf: Shelf, view: Json) -> list[Path]:
    """Return the files that hold a batch's rows.

    A cut row ends the whole file, so the one that can be cut comes last.
    """
    names = [view[f"{kind}_file_id"] for kind in ("error", "output")]
    return [shelf.path(name) for name in names if name]


def _plan(request: web.Request, operation: str) -> Plan:
    facts = CallFacts(PROVIDER, operation, content=request.path)
    return request.app[WORLD].plan(facts)


def _keep(world: World, source: Json, model: str, verb: str) -> str:
    """Put the requests on the shelf, one a line, and return the file's id."""
    if "requests" in source:
        return _write(world, _inline_lines(source["requests"]), model, verb)
    name = str(source.get("fileName", "")).removeprefix("files/")
    try:
        world.shelf.get(name)
    except ApiError as missing:
        raise ApiError(400, "The input file does not exist.") from missing
    with world.shelf.path(name).open("rb") as lines:
        return _write(world, lines, model, verb)


def _write(world: World, lines: Iterable[bytes], model: str, verb: str) -> str:
    file_id, path = world.shelf.new_path()
    with path.open("wb") as out:
        out.writelines(kept_lines(lines, model, verb))
    world.shelf.put(file_id, "requests.jsonl", "batch", None)
    return file_id


def _inline_lines(given: Any) -> list[bytes]:
    checks.obj("batch.input_config.requests", given)
    checks.array("batch.input_config.requests.requests", given.get("requests"))
    if not given["requests"]:
        raise ApiError(400, "A batch needs at least one request.")
    lines = []
    for place, one in enumerate(given["requests"]):
        checks.obj(f"requests[{place}]", one)
        key = (one.get("metadata") or {}).get("key", f"{_NO_KEY}{place}")
        lines.append(dump({"key": key, "request": one.get("request")}))
    return lines


def _shown(
    world: World, record: BatchRecord, view: Json, *, with_rows: bool = True
) -> Json:
    """Return a batch in Gemini's words; ``view`` is what a poll sees of it."""
    name = f"batches/{record.id}"
    # A scripted status may be one that we do not know.
    state = _STATES.get(view["status"]) or str(view["status"]).upper()
    is_over = view["status"] in TERMINAL
    metadata: Json = {
        "@type": _TYPE,
        "model": f"models/{record.model}",
        "displayName": view["metadata"]["displayName"] or "",
        "state": f"BATCH_STATE_{state}",
        "createTime": _moment(record.created),
        "updateTime": _moment(time.time()),
        "batchStats": _stats(view),
        "name": name,
    }
    if is_over:
        metadata["endTime"] = _moment(_ended_at(view))
    shown: Json = {"name": name, "metadata": metadata}
    if view["status"] == "failed":
        error = view["errors"]["data"][0]
        shown["error"] = {"code": 3, "message": error["message"]}
    paths = result_paths(world.shelf, view) if is_over else []
    if paths and (with_rows or not view["metadata"]["isInline"]):
        metadata["output"] = _output(world, record, paths)
    if is_over:
        shown["done"] = True
    if "output" in metadata and state == "SUCCEEDED":
        shown["response"] = metadata["output"]
    return shown


def _output(world: World, record: BatchRecord, paths: list[Path]) -> Json:
    if not record.view["metadata"]["isInline"]:
        return {"responsesFile": f"files/batch-{record.id}"}
    rows = {}
    for path in paths:
        for raw in path.read_bytes().splitlines():
            row = _loaded(raw)
            if row is not None:
                rows[row.get("key")] = row
    kept = world.shelf.path(record.view["input_file_id"]).read_bytes().splitlines()
    keys = [json.loads(raw).get("key") for raw in kept]
    inlined = [_inlined(rows[key]) for key in keys if key in rows]
    embeds = record.view["endpoint"] == "asyncBatchEmbedContent"
    name = "inlinedEmbedContentResponses" if embeds else "inlinedResponses"
    return {name: {"inlinedResponses": inlined}}


def _loaded(raw: bytes) -> Json | None:
    """Return a row, or None for one that a scripted fault cut."""
    try:
        row: Json = json.loads(raw)
    except ValueError:
        return None
    return row


def _inlined(row: Json) -> Json:
    found = {name: value for name, value in row.items() if name != "key"}
    if str(row["key"]).startswith(_NO_KEY):
        return found
    return {**found, "metadata": {"key": row["key"]}}


def _stats(view: Json) -> Json:
    """Return the counts: int64 is text on this wire, and a 0 is left out."""
    counts = view["request_counts"]
    total, done, failed = (counts[name] for name in ("total", "completed", "failed"))
    found = {
        "requestCount": total,
        "successfulRequestCount": done,
        "failedRequestCount": failed,
        "pendingRequestCount": total - done - failed,
    }
    return {name: f"{count}" for name, count in found.items() if count}


def _ended_at(view: Json) -> float:
    moments = [view[f"{status}_at"] for status in TERMINAL]
    return float(next((moment for moment in moments if moment), time.time()))


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
