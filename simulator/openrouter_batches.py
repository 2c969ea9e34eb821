"""The /batches endpoints of OpenRouter: requests and results are inline."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from simulator import checks
from simulator.batch_record import TERMINAL, BatchRecord
from simulator.batches import (
    RUNNER,
    find,
    new_record,
    plan_of,
    records_of,
    send_made,
    start,
)
from simulator.checks import Check
from simulator.faults import CallFacts
from simulator.files import paging
from simulator.replying import before_answer, send
from simulator.rows import NEVER_RUN, OPERATIONS, OpenAILines
from simulator.shelf import page_of
from simulator.wire import ApiError, Json, dump, new_id, parse_object
from simulator.world import WORLD, World

PROVIDER = "openrouter"
REQUESTS_MAX = 5_000
_KEYS: Mapping[str, Check] = {
    "endpoint": checks.choice(*OPERATIONS),
    "model": checks.string,
    "callback_url": checks.string,
    "completion_window": checks.choice("24h"),
    "provider": checks.obj,
    "requests": checks.array,
}
_PROVIDER_KEYS: Mapping[str, Check] = {
    "only": checks.array,
    "allow_fallbacks": checks.boolean,
}
_ERROR_TYPES = {
    400: "invalid_request",
    401: "authentication",
    402: "payment_required",
    404: "not_found",
    429: "rate_limit_exceeded",
    503: "provider_overloaded",
}


class OpenRouterLines(OpenAILines):
    """Lines in OpenAI's words, and rows whose error is beside the response."""

    lines_max = REQUESTS_MAX

    def row(self, custom_id: str, answered: Json | ApiError) -> bytes:
        """Return the row of a line that ran."""
        if isinstance(answered, ApiError):
            kind = _ERROR_TYPES.get(answered.status, "server")
            return _row(custom_id, None, _error(answered.message, kind))
        body = {"status_code": 200, "request_id": new_id("req_"), "body": answered}
        return _row(custom_id, body, None)

    def unexecuted(self, raw: bytes, code: str) -> bytes:
        """Return the row of a line that never ran."""
        custom_id = self.parsed(raw)["custom_id"]
        return _row(custom_id, None, _error(NEVER_RUN[code], "timeout", code))


async def create(request: web.Request) -> web.StreamResponse:
    """POST /batches: 202; what names the model has to come before ``requests``."""
    world = request.app[WORLD]
    raw = await request.read()
    asked = parse_object(raw)
    _check(asked)
    content = raw.decode("utf-8", "replace")
    plan = world.plan(CallFacts(PROVIDER, "batch", asked["model"], content))
    await before_answer(request, plan)
    file_id, path = world.shelf.new_path()
    _write(path, asked)
    world.shelf.put(file_id, "requests.jsonl", "batch", None)
    shaped = {
        "endpoint": asked["endpoint"],
        "input_file_id": file_id,
        "completion_window": "24h",
    }
    facts = CallFacts(PROVIDER, "batch", asked["model"])
    record = new_record(world, shaped, facts, plan)
    start(request, record)
    return await send_made(request, _shown(record, record.view), plan, status=202)


async def listed(request: web.Request) -> web.StreamResponse:
    """GET /batches, newest first and without results."""
    plan = plan_of(request, "batch_list")
    await before_answer(request, plan)
    after, limit = paging(request, most=100, usual=20)
    views = [_shown(record, record.view) for record in records_of(request)]
    return await send(request, dump(page_of(views, after=after, limit=limit)), plan)


async def get(request: web.Request) -> web.StreamResponse:
    """GET /batches/{id}: with all results once it has ended."""
    plan = plan_of(request, "batch_get")
    await before_answer(request, plan)
    record = find(request)
    view = record.polled()
    shown = _shown(record, view)
    if view["status"] in TERMINAL:
        shown["results"] = _results(request.app[WORLD], view)
    return await send(request, dump(shown), plan)


async def delete(request: web.Request) -> web.StreamResponse:
    """DELETE /batches/{id}: only when it has ended."""
    plan = plan_of(request, "batch_get")
    await before_answer(request, plan)
    record = find(request)
    if record.status not in TERMINAL:
        raise ApiError(409, "The batch has not ended yet.")
    request.app[RUNNER].forget(record)
    gone = {
        "id": record.id,
        "object": "batch",
        "deletion": {"openrouter": "deleted"},
    }
    return await send(request, dump(gone), plan)


def error_body(refusal: ApiError, _request_id: str) -> Json:
    """Return a refusal in OpenRouter's shape, its code a number."""
    kind = _ERROR_TYPES.get(refusal.status, "server")
    error = {"code": refusal.status, "message": refusal.message, "error_type": kind}
    return {"error": error, "user_id": "user_simulator"}


def _check(asked: Json) -> None:
    checks.check_keys(asked, _KEYS)
    checks.require(asked, "endpoint", "model", "requests")
    # The documents want 'requests' last, and the official client sends two keys after
    # it all the same: only what the requests depend on has to come before.
    after = list(asked)[list(asked).index("requests") + 1 :]
    if not {"completion_window", "provider"}.issuperset(after):
        raise checks.invalid("requests", "'requests' must be the last key.")
    checks.check_keys(asked.get("provider") or {}, _PROVIDER_KEYS, at="provider")
    requests = asked["requests"]
    if not requests or len(requests) > REQUESTS_MAX:
        raise checks.invalid("requests", f"Expected 1 to {REQUESTS_MAX} requests.")
    for index, one in enumerate(requests):
        keys = {"custom_id": checks.string, "body": checks.obj}
        checks.obj(f"requests[{index}]", one)
        checks.check_keys(one, keys, at=f"requests[{index}]")
        checks.require(one, "custom_id", "body", at=f"requests[{index}]")


def _write(path: Path, asked: Json) -> None:
    shared = {"method": "POST", "url": asked["endpoint"]}
    with path.open("wb") as out:
        for one in asked["requests"]:
            body = {**one["body"], "model": asked["model"]}
            out.write(dump({**one, **shared, "body": body}) + b"\n")


def _shown(record: BatchRecord, view: Json) -> Json:
    errors = view["errors"]
    is_ended = view["status"] in TERMINAL
    moments = [view[f"{status}_at"] for status in TERMINAL]
    return {
        "id": record.id,
        "object": "batch",
        "endpoint": view["endpoint"],
        "model": record.model,
        "provider": "Simulator",
        "completion_window": "24h",
        "status": view["status"],
        "created_at": view["created_at"],
        "expires_at": view["expires_at"],
        "finalized_at": next(filter(None, moments), None),
        "request_counts": view["request_counts"],
        "usage": _usage(view["usage"]) if is_ended else None,
        "error": {"message": errors["data"][0]["message"]} if errors else None,
        "results": None,
    }


def _usage(counted: Json) -> Json:
    return {
        "prompt_tokens": counted["input_tokens"],
        "completion_tokens": counted["output_tokens"],
        "total_tokens": counted["total_tokens"],
        "cost": 0.0,
    }


def _results(world: World, view: Json) -> list[Any] | None:
    """Return the rows of both files; a row that was cut in half is left out."""
    names = [view[f"{kind}_file_id"] for kind in ("output", "error")]
    lines = [
        line
        for name in names
        if name
        for line in world.shelf.path(name).read_bytes().splitlines(keepends=True)
    ]
    return [json.loads(line) for line in lines if line.endswith(b"\n")] or None


def _error(message: str, error_type: str, kind: str = "api_error") -> Json:
    return {"message": message, "type": kind, "param": None, "error_type": error_type}


def _row(custom_id: str, response: Json | None, error: Json | None) -> bytes:
    row = {"id": new_id("batch_req_", 24), "custom_id": custom_id}
    return dump({**row, "response": response, "error": error}) + b"\n"
