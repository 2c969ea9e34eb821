"""The /batches endpoints of Together."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from simulator import checks
from simulator.batch_record import TERMINAL, BatchRecord
from simulator.batches import (
    find,
    model_of_file,
    new_record,
    plan_of,
    records_of,
    send_made,
    start,
    stop,
)
from simulator.checks import Check
from simulator.faults import CallFacts
from simulator.replying import before_answer, send
from simulator.rows import OpenAILines
from simulator.wire import ApiError, Json, dump, parse_object
from simulator.world import WORLD

PROVIDER = "together"
CHAT = "/v1/chat/completions"
_REF_LENGTH_MAX = 64
_KEYS: Mapping[str, Check] = {
    "endpoint": checks.choice(CHAT),
    "input_file_id": checks.string,
    "completion_window": checks.string,
    "priority": checks.integer(),
    "model_id": checks.string,
}
# There is no word for what lies between.
_STATUSES = {"finalizing": "IN_PROGRESS", "cancelling": "IN_PROGRESS"}


@dataclass(eq=False)
class BatchRefusal(ApiError):
    """A refusal of a batch call: its error is a text and nothing else."""

    def body(self) -> Json:
        return {"error": self.message}


class TogetherLines(OpenAILines):
    """Lines ``{custom_id, body}``, and rows without ids."""

    def parsed(self, raw: bytes) -> Json:
        """Return a line in OpenAI's words, or raise LineError."""
        return {**super().parsed(raw), "method": "POST", "url": CHAT}

    def row(self, custom_id: str, answered: Json | ApiError) -> bytes:
        """Return the row of a line that ran."""
        if isinstance(answered, ApiError):
            code = answered.code or f"{answered.status}"
            return _error_row(custom_id, answered.message, code)
        response = {"status_code": 200, "body": answered}
        return dump({"custom_id": custom_id, "response": response}) + b"\n"

    def unexecuted(self, raw: bytes, code: str) -> bytes:
        """Return the row of a line that never ran."""
        return _error_row(self.parsed(raw)["custom_id"], "It was not run.", code)


async def create(request: web.Request) -> web.StreamResponse:
    """POST /batches: 201, with the batch inside ``job``."""
    world = request.app[WORLD]
    raw = await request.read()
    asked = parse_object(raw)
    checks.check_keys(asked, _KEYS)
    checks.require(asked, "input_file_id", "endpoint")
    model = model_of_file(world, asked["input_file_id"], purpose="batch-api")
    content = raw.decode("utf-8", "replace")
    plan = world.plan(CallFacts(PROVIDER, "batch", model, content))
    await before_answer(request, plan)
    asked.setdefault("completion_window", "24h")
    facts = CallFacts(PROVIDER, "batch", model)
    record = new_record(world, asked, facts, plan, id_prefix="")
    start(request, record)
    shown = {"job": _shown(request, record, record.view), "warning": None}
    return await send_made(request, shown, plan, status=201)


async def listed(request: web.Request) -> web.StreamResponse:
    """GET /batches: all of them in a bare array."""
    plan = plan_of(request, "batch_list")
    await before_answer(request, plan)
    found = [_shown(request, it, it.view) for it in reversed(records_of(request))]
    return await send(request, dump(found), plan)


async def get(request: web.Request) -> web.StreamResponse:
    """GET /batches/{id}."""
    plan = plan_of(request, "batch_get")
    await before_answer(request, plan)
    record = find(request)
    return await send(request, dump(_shown(request, record, record.polled())), plan)


async def cancel(request: web.Request) -> web.StreamResponse:
    """POST /batches/{id}/cancel."""
    plan = plan_of(request, "batch_cancel")
    await before_answer(request, plan)
    record = find(request)
    if record.status in TERMINAL:
        raise ApiError(409, "The batch has already ended.")
    stop(request, record)
    return await send(request, dump(_shown(request, record, record.view)), plan)


def _shown(request: web.Request, record: BatchRecord, view: Json) -> Json:
    counts, status = view["request_counts"], view["status"]
    done = counts["completed"] + counts["failed"]
    errors = view["errors"]
    input_file = request.app[WORLD].shelf.path(view["input_file_id"])
    return {
        "id": record.id,
        "user_id": "user_simulator",
        "input_file_id": view["input_file_id"],
        "file_size_bytes": input_file.stat().st_size if input_file.exists() else 0,
        "status": _STATUSES.get(status, status.upper()),
        "job_deadline": _moment(view["expires_at"]),
        "created_at": _moment(record.created),
        "completed_at": _moment(view["completed_at"]),
        "endpoint": view["endpoint"],
        "progress": 100.0 * done / counts["total"] if counts["total"] else 0.0,
        "model_id": record.model,
        "output_file_id": view["output_file_id"],
        "error_file_id": view["error_file_id"],
        "error": errors["data"][0]["message"] if errors else None,
    }


def _error_row(custom_id: str, message: str, code: str) -> bytes:
    error = {"message": message, "code": code}
    return dump({"custom_id": custom_id, "error": error}) + b"\n"


def _moment(seconds: Any) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
