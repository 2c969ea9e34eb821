"""The lines of a Mistral job, and the rows that they become."""

import json
import logging
from collections.abc import Iterable, Iterator

from simulator.faults import CallFacts, Plan
from simulator.line_forms import LineError, Row, copies_of
from simulator.mistral_checks import check_body
from simulator.mistral_replies import error_body, reply
from simulator.replies import tokens_used
from simulator.rows import read_line
from simulator.wire import ApiError, Json, broken, dump, new_id
from simulator.world import World

logger = logging.getLogger(__name__)

REQUESTS_MAX = 100_000
OPERATIONS = {"/v1/chat/completions": "chat", "/v1/embeddings": "embeddings"}


def kept_lines(lines: Iterable[bytes], model: str, operation: str) -> Iterator[bytes]:
    """Yield lines as they are kept: each tells the job's model and operation too."""
    for raw in lines:
        try:
            line = read_line(raw)
        except LineError:
            line = {}
        yield dump({**line, "model": model, "operation": operation}) + b"\n"


class MistralLines:
    """Lines ``{custom_id, body}``; a body may name a model of its own."""

    lines_max = REQUESTS_MAX
    has_one_model = False

    def check(self, raw: bytes, _endpoint: str) -> tuple[str, str]:
        """Return the custom id and model of a line, or raise LineError."""
        line = read_line(raw)
        if not isinstance(line.get("body"), dict):
            raise LineError("invalid_json_line", "A line has no body.")
        return str(line.get("custom_id") or new_id("")), line["model"]

    def run(self, world: World, provider: str, raw: bytes) -> Row:
        """Execute one line and count it as accepted when it succeeds."""
        line = json.loads(raw)
        body = {"model": line["model"], **line["body"]}
        content = raw.decode("utf-8", "replace")
        facts = CallFacts(provider, "batch_row", body["model"], content)
        plan = world.plan(facts, body)
        answered = _answer(line["operation"], body, plan)
        if isinstance(answered, ApiError):
            row = _row(line, answered.status, error_body(answered, ""))
            return Row(row, is_success=False)
        call = (provider, body["model"], line["operation"], "batch")
        world.ledger.accept(call=call, ref=str(line.get("custom_id", "")))
        given, made = tokens_used(answered)
        return Row(
            _row(line, 200, answered),
            is_success=True,
            copies=copies_of(plan),
            cuts_file=plan.get("truncate") is not None,
            input_tokens=given,
            output_tokens=made,
        )

    def failed(self, raw: bytes) -> bytes:
        """Return the row of a line that failed inside the provider."""
        return _row(json.loads(raw), 500, error_body(broken(), ""))

    def unexecuted(self, _raw: bytes, _code: str) -> bytes:
        """Return nothing: what never ran has no row here."""
        return b""


def _answer(operation: str, body: Json, plan: Plan) -> Json | ApiError:
    refusal = plan.status_error()
    if refusal is not None:
        return refusal
    try:
        check_body(operation, body)
        return reply(operation, body, plan)
    except ApiError as refused:
        return refused
    except Exception:
        # One odd line must not end the job.
        logger.exception("a line broke")
        return broken()


def _row(line: Json, status: int, body: Json) -> bytes:
    row = {
        "id": f"batch-{new_id('', 8)}-0-{new_id('')}",
        "custom_id": line.get("custom_id"),
        "response": {"status_code": status, "body": body},
        "error": None,
    }
    return dump(row) + b"\n"
