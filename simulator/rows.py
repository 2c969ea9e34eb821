"""One line of a native batch: its checks and its row in a result file."""

import json
import logging
from dataclasses import dataclass
from typing import Any

from simulator.bodies import check_body
from simulator.faults import CallFacts, Plan
from simulator.replies import reply, tokens_used
from simulator.wire import ApiError, Json, broken, dump, new_id
from simulator.world import World

logger = logging.getLogger(__name__)

MAX_LINE_BYTES = 16 * 1024 * 1024
OPERATIONS = {
    "/v1/responses": "responses",
    "/v1/chat/completions": "chat",
    "/v1/embeddings": "embeddings",
}
EXPIRED = "batch_expired"
CANCELLED = "batch_cancelled"
_NEVER_RUN = {
    EXPIRED: "This request could not be executed before the completion window expired.",
    CANCELLED: "This request was not executed because the batch was cancelled.",
}


@dataclass(frozen=True)
class Row:
    """What one line became. ``copies`` is 0 for a lost row, 2 for a doubled one."""

    data: bytes
    is_success: bool
    copies: int = 1
    cuts_file: bool = False
    input_tokens: int = 0
    output_tokens: int = 0


class LineError(Exception):
    """A line that fails the whole batch while it is validated."""

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param


def read_line(raw: bytes) -> Json:
    """Return the line as an object.

    Raises:
        LineError: ``invalid_json_line``.
    """
    if not raw.endswith(b"\n") and len(raw) >= MAX_LINE_BYTES:
        raise LineError("invalid_json_line", "This line is too long.")
    try:
        line = json.loads(raw)
    except (ValueError, RecursionError) as problem:
        text = "This line is not parseable as valid JSON."
        raise LineError("invalid_json_line", text) from problem
    if not isinstance(line, dict):
        raise LineError("invalid_json_line", "This line is not a JSON object.")
    return line


def check_line(line: Json, endpoint: str) -> tuple[str, str]:
    """Return the custom id and model of a line.

    Raises:
        LineError: a required key is missing or the url is not the batch's endpoint.
    """
    for key in ("custom_id", "method", "url", "body"):
        if not line.get(key):
            text = f"Missing required parameter: '{key}'."
            raise LineError("missing_required_parameter", text, key)
    if not isinstance(line["custom_id"], str) or not isinstance(line["body"], dict):
        text = "custom_id must be a string and body an object."
        raise LineError("invalid_json_line", text)
    if line["method"] != "POST":
        raise LineError("invalid_method", "Only POST is supported.", "method")
    if line["url"] != endpoint:
        text = f"The URL provided for this request does not match '{endpoint}'."
        raise LineError("url_mismatch", text, "url")
    model = line["body"].get("model")
    if not isinstance(model, str):
        text = "Missing required parameter: 'body.model'."
        raise LineError("missing_required_parameter", text, "body.model")
    return line["custom_id"], model


def run_line(world: World, provider: str, raw: bytes) -> Row:
    """Execute one checked line and count it as accepted when it succeeds."""
    line = json.loads(raw)
    body, custom_id = line["body"], line["custom_id"]
    operation = OPERATIONS[line["url"]]
    content = raw.decode("utf-8", "replace")
    facts = CallFacts(provider, "batch_row", body["model"], content)
    plan = world.plan(facts, body)
    answered = _answer(operation, body, provider, plan)
    if isinstance(answered, ApiError):
        row = _row(custom_id, answered.status, answered.body())
        return Row(row, is_success=False)
    call = (provider, body["model"], operation, "batch")
    world.ledger.accept(call=call, ref=custom_id)
    given, made = tokens_used(answered)
    copies = 0 if plan.get("missing") else 2 if plan.get("duplicate") else 1
    return Row(
        _row(custom_id, 200, answered),
        is_success=True,
        copies=copies,
        cuts_file=plan.get("truncate") is not None,
        input_tokens=given,
        output_tokens=made,
    )


def failed_row(raw: bytes) -> bytes:
    """Return the row of a line that failed inside the provider."""
    return _row(json.loads(raw)["custom_id"], 500, broken().body())


def unexecuted_row(raw: bytes, code: str) -> bytes:
    """Return the row of a line that never ran; ``code`` says why."""
    row = {
        "id": new_id("batch_req_", 24),
        "custom_id": json.loads(raw)["custom_id"],
        "response": None,
        "error": {"code": code, "message": _NEVER_RUN[code]},
    }
    return dump(row) + b"\n"


def _answer(operation: str, body: Json, provider: str, plan: Plan) -> Json | ApiError:
    refusal = plan.status_error()
    if refusal is not None:
        return refusal
    try:
        check_body(operation, body, provider)
        return reply(operation, body, plan)
    except ApiError as refused:
        return refused
    except Exception:
        # One odd line must not end the batch.
        logger.exception("a line broke")
        return broken()


def _row(custom_id: str, status: int, body: dict[str, Any]) -> bytes:
    row = {
        "id": new_id("batch_req_", 24),
        "custom_id": custom_id,
        "response": {
            "status_code": status,
            "request_id": new_id("req_"),
            "body": body,
        },
        "error": None,
    }
    return dump(row) + b"\n"
