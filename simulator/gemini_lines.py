"""The requests of a Gemini batch as lines, and the rows that they become."""

import json
import logging
from collections.abc import Iterable, Iterator
from typing import Any

from simulator.faults import CallFacts, Plan
from simulator.gemini_checks import check_content, check_embedding
from simulator.gemini_replies import (
    content_reply,
    error_body,
    tokens_used,
    vector_reply,
)
from simulator.line_forms import EXPIRED, LineError, Row, copies_of
from simulator.wire import ApiError, Json, broken, dump, new_id
from simulator.world import World

logger = logging.getLogger(__name__)

REQUESTS_MAX = 200_000
_CANCELLED_CODE, _DEADLINE_CODE = 1, 4


def kept_lines(lines: Iterable[bytes], model: str, verb: str) -> Iterator[bytes]:
    """Yield lines as they are kept: each tells the job's model and verb too."""
    for raw in lines:
        try:
            line = json.loads(raw)
        except (ValueError, RecursionError):
            line = None
        given = line if isinstance(line, dict) else {}
        yield dump({**given, "model": model, "verb": verb}) + b"\n"


class GeminiLines:
    """Lines ``{key, request}``; requests are checked as they run."""

    lines_max = REQUESTS_MAX
    has_one_model = False

    def check(self, raw: bytes, _endpoint: str) -> tuple[str, str]:
        """Return the key and model of a line, or raise LineError."""
        line = json.loads(raw)
        if not isinstance(line.get("request"), dict):
            raise LineError("invalid_json_line", "A line has no request.")
        # A line without a key is run as well; its row cannot be told from others.
        return str(line.get("key", new_id(""))), line["model"]

    def run(self, world: World, provider: str, raw: bytes) -> Row:
        """Execute one line and count it as accepted when it succeeds."""
        line = json.loads(raw)
        model, request = line["model"], line["request"]
        content = raw.decode("utf-8", "replace")
        plan = world.plan(CallFacts(provider, "batch_row", model, content), request)
        answered = _answer(line, plan)
        if isinstance(answered, ApiError):
            return Row(_errored(line, answered), is_success=False)
        operation = "generate" if _generates(line) else "embeddings"
        call = (provider, model, operation, "batch")
        world.ledger.accept(call=call, ref=str(line.get("key", "")))
        given, made = tokens_used(answered)
        return Row(
            _row(line, {"response": answered}),
            is_success=True,
            copies=copies_of(plan),
            cuts_file=plan.get("truncate") is not None,
            input_tokens=given,
            output_tokens=made,
        )

    def failed(self, raw: bytes) -> bytes:
        """Return the row of a line that failed inside the provider."""
        return _errored(json.loads(raw), broken())

    def unexecuted(self, raw: bytes, code: str) -> bytes:
        """Return the row of a line that never ran."""
        is_late = code == EXPIRED
        error = {
            "code": _DEADLINE_CODE if is_late else _CANCELLED_CODE,
            "message": "The request was not executed in time."
            if is_late
            else "The batch was cancelled.",
        }
        return _row(json.loads(raw), {"error": error})


def _generates(line: Json) -> bool:
    return bool(line["verb"] == "batchGenerateContent")


def _answer(line: Json, plan: Plan) -> Json | ApiError:
    refusal = plan.status_error()
    if refusal is not None:
        return refusal
    model, request = line["model"], line["request"]
    try:
        if _generates(line):
            check_content(model, request)
            return content_reply(model, request, plan)
        check_embedding(model, request, names_model=False)
        return vector_reply(model, request, plan)
    except ApiError as refused:
        return refused
    except Exception:
        # One odd line must not end the batch.
        logger.exception("a line broke")
        return broken()


def _errored(line: Json, refusal: ApiError) -> bytes:
    error = error_body(refusal, "")["error"]
    # A row's error has no details of the rich kind.
    return _row(line, {"error": {"code": error["code"], "message": error["message"]}})


def _row(line: Json, result: dict[str, Any]) -> bytes:
    key = {} if "key" not in line else {"key": line["key"]}
    return dump({**key, **result}) + b"\n"
