"""Mistral's replies: chat completions and embeddings, with its own deviations."""

import json
import time
from typing import Any

from simulator import replies
from simulator.answers import Answer, answer
from simulator.faults import Plan
from simulator.prompts import Prompt, from_chat
from simulator.replies import bend_usage
from simulator.wire import ApiError, Json, new_id

_CODES = {401: None, 429: "1300", 500: "3000", 503: "3505"}
_TYPES = {
    400: "invalid_request_error",
    401: "unauthorized",
    404: "not_found",
    429: "rate_limited",
    500: "internal_server_error",
    503: "service_unavailable",
}


def error_body(refusal: ApiError, _request_id: str) -> Json:
    """Return a refusal in Mistral's flat shape; 422 comes from its web framework."""
    if refusal.status == 422:
        place = ["body", *(refusal.param or "").split(".")]
        entry = {"type": "value_error", "loc": place, "msg": refusal.message}
        return {"detail": [entry]}
    kind, code = _TYPES.get(refusal.status, "error"), _CODES.get(refusal.status)
    if refusal.code == "model_not_found":
        kind, code = "invalid_model", "1500"
    elif refusal.code == "insufficient_quota":
        kind = code = refusal.code
    return {
        "object": "error",
        "message": refusal.message,
        "type": kind,
        "param": refusal.param,
        "code": code,
    }


def reply(operation: str, body: Json, plan: Plan) -> Json:
    """Return the reply to a checked body, bent by the content faults in ``plan``."""
    answered = _chat(body, plan) if operation == "chat" else _vectors(body, plan)
    if plan.get("wrongmodel"):
        answered["model"] = "unexpected-model-0000"
    return answered


def _chat(body: Json, plan: Plan) -> Json:
    # Two words for the same.
    forced = {"tool_choice": "required"} if body.get("tool_choice") == "any" else {}
    prompt = from_chat({**body, **forced})
    made = answer(prompt, plan)
    finish = "error" if plan.get("halted") else made.finish
    message: Json = {
        "role": "assistant",
        "content": _content(made),
        "tool_calls": None,
        "prefix": False,
    }
    if made.tool_name is not None:
        function = {"name": made.tool_name, "arguments": json.loads(made.text)}
        message["tool_calls"] = [{"id": new_id("", 8), "function": function}]
    choice = {"index": 0, "message": message, "finish_reason": finish}
    answered = {
        "id": new_id(""),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body["model"],
        "choices": [choice],
        "usage": _usage(prompt, made),
    }
    return bend_usage(answered, plan)


def _content(made: Answer) -> Any:
    """Return the text; beside a thought it is one of two chunks."""
    if made.tool_name is not None:
        return ""
    text = made.refusal or made.text
    if not made.tokens.reasoning:
        return text
    thought = [{"type": "text", "text": "Considered."}]
    return [
        {"type": "thinking", "thinking": thought},
        {"type": "text", "text": text},
    ]


def _usage(prompt: Prompt, made: Answer) -> Json:
    found: Json = {
        "prompt_tokens": prompt.input_tokens,
        "completion_tokens": made.tokens.total,
        "total_tokens": prompt.input_tokens + made.tokens.total,
    }
    if made.tokens.cached:
        cached = min(made.tokens.cached, prompt.input_tokens)
        found["num_cached_tokens"] = cached
        found["prompt_token_details"] = {"cached_tokens": cached}
    return found


def _vectors(body: Json, plan: Plan) -> Json:
    """Return the vectors last first: each tells its own place."""
    asked = {**body, "dimensions": body.get("output_dimension")}
    made = replies.reply("embeddings", asked, plan)
    made["data"].reverse()
    if "usage" in made and isinstance(made["usage"].get("prompt_tokens"), int):
        made["usage"]["completion_tokens"] = 0
    return {"id": new_id(""), **made}
