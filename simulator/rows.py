"""One line of a native batch: its checks and its row in a result file."""

import json
import logging
from typing import Any

from simulator.bodies import check_body
from simulator.dialects import dressed
from simulator.faults import CallFacts, Plan
from simulator.line_forms import (
    CANCELLED,
    EXPIRED,
    MAX_LINE_BYTES,
    LineError,
    Row,
    copies_of,
)
from simulator.replies import reply, tokens_used
from simulator.wire import ApiError, Json, broken, dump, new_id
from simulator.world import World

logger = logging.getLogger(__name__)

OPERATIONS = {
    "/v1/responses": "responses",
    "/v1/chat/completions": "chat",
    "/v1/embeddings": "embeddings",
}
NEVER_RUN = {
    EXPIRED: "This request could not be executed before the completion window expired.",
    CANCELLED: "This request was not executed because the batch was cancelled.",
}


class OpenAILines:
    """OpenAI's lines: ``{custom_id, method, url, body}``, and the family's rows.

    A provider with another line or another row overrides :meth:`parsed`, :meth:`row`
    or :meth:`unexecuted`.
    """

    lines_max = 50_000
    has_one_model = True

    def parsed(self, raw: bytes) -> Json:
        """Return a line in OpenAI's words, or raise LineError."""
        return read_line(raw)

    def row(self, custom_id: str, answered: Json | ApiError) -> bytes:
        """Return the row of a line that ran."""
        if isinstance(answered, ApiError):
            return _row(custom_id, answered.status, answered.body())
        return _row(custom_id, 200, answered)

    def unexecuted(self, raw: bytes, code: str) -> bytes:
        """Return the row of a line that never ran; ``code`` says why."""
        row = {
            "id": new_id("batch_req_", 24),
            "custom_id": self.parsed(raw)["custom_id"],
            "response": None,
            "error": {"code": code, "message": NEVER_RUN[code]},
        }
        return dump(row) + b"\n"

    def check(self, raw: bytes, endpoint: str) -> tuple[str, str]:
        """Return the custom id and model of a line, or raise LineError."""
        return check_line(self.parsed(raw), endpoint)

    def failed(self, raw: bytes) -> bytes:
        """Return the row of a line that failed inside the provider."""
        return self.row(self.parsed(raw)["custom_id"], broken())

    def run(self, world: World, provider: str, raw: bytes) -> Row:
        """Execute one checked line and count it as accepted when it succeeds."""
        line = self.parsed(raw)
        body, custom_id = line["body"], line["custom_id"]
        operation = OPERATIONS[line["url"]]
        content = raw.decode("utf-8", "replace")
        facts = CallFacts(provider, "batch_row", body["model"], content)
        plan = world.plan(facts, body)
        answered = _answer(operation, body, provider, plan)
        row = self.row(custom_id, answered)
        if isinstance(answered, ApiError):
            return Row(row, is_success=False)
        call = (provider, body["model"], operation, "batch")
        world.ledger.accept(call=call, ref=custom_id)
        given, made = tokens_used(answered)
        return Row(
            row,
            is_success=True,
            copies=copies_of(plan),
            cuts_file=plan.get("truncate") is not None,
            input_tokens=given,
            output_tokens=made,
        )


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


def _answer(operation: str, body: Json, provider: str, plan: Plan) -> Json | ApiError:
    refusal = plan.status_error()
    if refusal is not None:
        return refusal
    try:
        check_body(operation, body, provider)
        return dressed(provider, operation, reply(operation, body, plan), plan)
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
