"""The batch inference jobs of a Fireworks account."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from simulator import checks
from simulator.batch_record import TERMINAL, BatchRecord
from simulator.batches import (
    RUNNER,
    new_record,
    plan_of,
    records_of,
    send_made,
    start,
    stop,
)
from simulator.checks import Check
from simulator.faults import CallFacts
from simulator.fireworks_datasets import (
    check_name,
    dataset_key,
    find_dataset,
    keep,
)
from simulator.replying import before_answer, send
from simulator.rows import OpenAILines
from simulator.wire import ApiError, Json, dump, new_id, not_found, parse_object
from simulator.world import WORLD, World

PROVIDER = "fireworks"
CHAT = "/v1/chat/completions"
_KEYS: Mapping[str, Check] = {
    "displayName": checks.string,
    "model": checks.string,
    "inputDatasetId": checks.string,
    "outputDatasetId": checks.string,
    "inferenceParameters": checks.obj,
    "precision": checks.string,
    "continuedFromJobName": checks.string,
}
_STATES = {
    "validating": "VALIDATING",
    "in_progress": "RUNNING",
    "finalizing": "WRITING_RESULTS",
}


@dataclass(eq=False)
class AccountRefusal(ApiError):
    """A refusal of an account's resources: flat, as gRPC's gateway has it."""

    def body(self) -> Json:
        return {"code": self.status, "message": self.message, "details": []}


class FireworksLines(OpenAILines):
    """Lines in OpenAI's words, and rows that hold the bare reply or an error."""

    def row(self, custom_id: str, answered: Json | ApiError) -> bytes:
        """Return the row of a line that ran."""
        if isinstance(answered, ApiError):
            error = {"code": answered.status, "message": answered.message}
            return dump({"custom_id": custom_id, "error": error}) + b"\n"
        return dump({"custom_id": custom_id, "response": answered}) + b"\n"

    def unexecuted(self, raw: bytes, code: str) -> bytes:
        """Return the row of a line that never ran."""
        error = {"code": code, "message": "It was not run."}
        custom_id = self.parsed(raw)["custom_id"]
        return dump({"custom_id": custom_id, "error": error}) + b"\n"


async def create(request: web.Request) -> web.StreamResponse:
    """POST /batchInferenceJobs?batchInferenceJobId=: a name is given once."""
    world = request.app[WORLD]
    raw = await request.read()
    asked = parse_object(raw)
    checks.check_keys(asked, _KEYS)
    checks.require(asked, "model", "inputDatasetId")
    job_id = request.query.get("batchInferenceJobId") or new_id("j", 16)
    check_name("batchInferenceJobId", job_id)
    content = raw.decode("utf-8", "replace")
    plan = world.plan(CallFacts(PROVIDER, "batch", asked["model"], content))
    await before_answer(request, plan)
    if job_id in request.app[RUNNER].records:
        raise ApiError(409, "A job of this name exists already.")
    shaped = {
        "endpoint": CHAT,
        "input_file_id": _enriched(world, asked),
        "completion_window": "24h",
    }
    facts = CallFacts(PROVIDER, "batch", asked["model"])
    record = new_record(world, shaped, facts, plan)
    output = asked.get("outputDatasetId") or f"{job_id}-out"
    record.view |= {
        "id": job_id,
        "asked": asked,
        "account": request.match_info["account"],
        "output": dataset_key(request, output.rpartition("/")[2]),
    }
    start(request, record)
    return await send_made(request, _shown(record, record.view), plan)


async def listed(request: web.Request) -> web.StreamResponse:
    """GET /batchInferenceJobs, oldest first, on one page."""
    plan = plan_of(request, "batch_list")
    await before_answer(request, plan)
    account = request.match_info["account"]
    jobs = [
        _shown(record, record.view)
        for record in records_of(request)
        if record.view["account"] == account and not record.view.get("is_deleted")
    ]
    page = {"batchInferenceJobs": jobs, "nextPageToken": "", "totalSize": len(jobs)}
    return await send(request, dump(page), plan)


async def get(request: web.Request) -> web.StreamResponse:
    """GET /batchInferenceJobs/{id}; an ended job's output is a dataset by then."""
    plan = plan_of(request, "batch_get")
    await before_answer(request, plan)
    record = _find(request)
    view = record.polled()
    if record.status in TERMINAL:
        _publish(request.app[WORLD], record, view)
    return await send(request, dump(_shown(record, view)), plan)


async def delete(request: web.Request) -> web.StreamResponse:
    """DELETE /batchInferenceJobs/{id}: a running job is stopped, and is gone."""
    plan = plan_of(request, "batch_cancel")
    await before_answer(request, plan)
    record = _find(request)
    if record.status not in TERMINAL:
        stop(request, record)
    record.view["is_deleted"] = True
    request.app[RUNNER].save(record)
    return await send(request, b"{}", plan)


def _find(request: web.Request) -> BatchRecord:
    job_id = request.match_info["job_id"]
    record = request.app[RUNNER].records.get(job_id)
    is_here = record is not None and record.provider == PROVIDER
    if record is None or not is_here or record.view.get("is_deleted"):
        raise not_found(f"The job '{job_id}' was not found.")
    return record


def _enriched(world: World, asked: Json) -> str:
    """Copy the input with the job's model in every line, in OpenAI's words."""
    dataset = find_dataset(world, asked["inputDatasetId"])
    if dataset["state"] != "READY":
        raise ApiError(400, "The dataset is not ready.")
    source = world.shelf.path(next(iter(dataset["files"].values())))
    file_id, path = world.shelf.new_path()
    _copy_lines(source, path, asked["model"])
    world.shelf.put(file_id, "input.jsonl", "batch", None)
    return file_id


def _copy_lines(source: Path, target: Path, model: str) -> None:
    with source.open("rb") as lines, target.open("wb") as out:
        for raw in lines:
            try:
                line = json.loads(raw)
                line["body"]["model"] = model
            except (ValueError, KeyError, TypeError):
                # What is wrong with it is said when the job is validated.
                out.write(raw)
                continue
            out.write(dump({**line, "method": "POST", "url": CHAT}) + b"\n")


def _publish(world: World, record: BatchRecord, view: Json) -> None:
    names = {"output": "BIJOutputSet.jsonl", "error": "error-data"}
    files = {
        name: view[f"{kind}_file_id"]
        for kind, name in names.items()
        if view[f"{kind}_file_id"]
    }
    if files:
        job_name = _shown(record, view)["name"]
        found = {"name": view["output"], "state": "READY", "sourceJobName": job_name}
        keep(world, {**found, "files": files})


def _shown(record: BatchRecord, view: Json) -> Json:
    counts, asked = view["request_counts"], view["asked"]
    done = counts["completed"] + counts["failed"]
    errors = view["errors"]
    status = view["status"]
    return {
        "name": f"accounts/{view['account']}/batchInferenceJobs/{view['id']}",
        "displayName": asked.get("displayName", ""),
        "createTime": _moment(record.created),
        "state": f"JOB_STATE_{_STATES.get(status, status.upper())}",
        "status": {
            "code": "INVALID_ARGUMENT" if errors else "OK",
            "message": errors["data"][0]["message"] if errors else "",
        },
        "model": asked["model"],
        "inputDatasetId": asked["inputDatasetId"],
        "outputDatasetId": view["output"],
        "jobProgress": {
            "percent": 100 * done // counts["total"] if counts["total"] else 0,
            "totalInputRequests": counts["total"],
            "totalProcessedRequests": done,
            "successfullyProcessedRequests": counts["completed"],
            "failedRequests": counts["failed"],
            "inputTokens": view["usage"]["input_tokens"],
            "outputTokens": view["usage"]["output_tokens"],
        },
    }


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
