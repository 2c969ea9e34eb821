"""The requests of a message batch as lines, and the rows that they become."""

import json
import logging

from simulator.anthropic_checks import check_messages_body
from simulator.anthropic_replies import error_body, message
from simulator.faults import CallFacts, Plan
from simulator.line_forms import EXPIRED, Row, copies_of
from simulator.replies import tokens_used
from simulator.wire import ApiError, Json, broken, dump, new_id
from simulator.world import World

logger = logging.getLogger(__name__)

REQUESTS_MAX = 100_000


class AnthropicLines:
    """Lines ``{custom_id, params, version}``; their params are checked as they run."""

    lines_max = REQUESTS_MAX
    has_one_model = False

    def check(self, raw: bytes, _endpoint: str) -> tuple[str, str]:
        """Return the custom id and model of a line, which creation has checked."""
        line = json.loads(raw)
        return line["custom_id"], str(line["params"].get("model"))

    def run(self, world: World, provider: str, raw: bytes) -> Row:
        """Execute one line and count it as accepted when it succeeds."""
        line = json.loads(raw)
        custom_id, params = line["custom_id"], line["params"]
        model, content = str(params.get("model")), raw.decode("utf-8", "replace")
        plan = world.plan(CallFacts(provider, "batch_row", model, content), params)
        answered = _answer(params, line["version"], plan)
        if isinstance(answered, ApiError):
            return Row(_errored(custom_id, answered), is_success=False)
        call = (provider, model, "messages", "batch")
        world.ledger.accept(call=call, ref=custom_id)
        given, made = tokens_used(answered)
        return Row(
            _row(custom_id, {"type": "succeeded", "message": answered}),
            is_success=True,
            copies=copies_of(plan),
            cuts_file=plan.get("truncate") is not None,
            input_tokens=given,
            output_tokens=made,
        )

    def failed(self, raw: bytes) -> bytes:
        """Return the row of a request that failed inside the provider."""
        return _errored(json.loads(raw)["custom_id"], broken())

    def unexecuted(self, raw: bytes, code: str) -> bytes:
        """Return the row of a request that never ran."""
        kind = "expired" if code == EXPIRED else "canceled"
        return _row(json.loads(raw)["custom_id"], {"type": kind})


def _answer(params: Json, version: str, plan: Plan) -> Json | ApiError:
    refusal = plan.status_error()
    if refusal is not None:
        return refusal
    try:
        check_messages_body(params, version)
        answered = message(params, plan)
    except ApiError as refused:
        return refused
    except Exception:
        # One odd request must not end the batch.
        logger.exception("a request broke")
        return broken()
    if "usage" in answered:
        answered["usage"]["service_tier"] = "batch"
    return answered


def _errored(custom_id: str, refusal: ApiError) -> bytes:
    body = error_body(refusal, new_id("req_"))
    return _row(custom_id, {"type": "errored", "error": body})


def _row(custom_id: str, result: Json) -> bytes:
    return dump({"custom_id": custom_id, "result": result}) + b"\n"
