"""Anthropic's messages, made of the same answers as every other wire's."""

import json
from typing import Any

from simulator.answers import Answer, answer
from simulator.faults import Plan
from simulator.prompts import Prompt, Reading, make_prompt
from simulator.replies import bend_usage
from simulator.wire import ApiError, Json, new_id

_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_EFFORTS = {"low": "low", "medium": "medium", "high": "high"}


def error_body(refusal: ApiError, request_id: str) -> Json:
    """Return a refusal in Anthropic's shape; used up money is a spend limit."""
    other = "api_error" if refusal.status >= 500 else "invalid_request_error"
    error: Json = {
        "type": _ERROR_TYPES.get(refusal.status, other),
        "message": refusal.message,
    }
    if refusal.code == "insufficient_quota":
        error["details"] = {"error_code": "enforced_spend_limit_reached"}
    return {"type": "error", "error": error, "request_id": request_id}


def message(body: Json, plan: Plan) -> Json:
    """Return the message for a checked body, bent by the content faults."""
    prompt = from_messages(body)
    made = answer(prompt, plan)
    is_refusal = made.refusal is not None
    reason = "refusal" if is_refusal else _STOP_REASONS[made.finish]
    model = "unexpected-model-0000" if plan.get("wrongmodel") else body["model"]
    answered: Json = {
        "id": new_id("msg_", 24),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": _content(prompt, made, is_wanted=plan.get("empty") is None),
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": _usage(prompt, made),
    }
    if reason == "refusal":
        answered["stop_details"] = {
            "type": "refusal",
            "category": None,
            "explanation": made.refusal,
        }
    return bend_usage(answered, plan)


def count_tokens(body: Json) -> Json:
    """Return the count of a body's input."""
    return {"input_tokens": from_messages(body).input_tokens}


def from_messages(body: Json) -> Prompt:
    """Read a checked Messages body."""
    reading = Reading([], [], [])
    if body.get("system"):
        reading.take("system", body["system"])
    for entry in body["messages"]:
        reading.take(entry["role"], _parts(entry["content"]))
    config = body.get("output_config") or {}
    schema = (config.get("format") or {}).get("schema")
    thinking = (body.get("thinking") or {}).get("type")
    return make_prompt(
        _in_chat_words(body),
        reading,
        shape=("json_schema" if schema else "text", schema),
        max_tokens=body.get("max_tokens"),
        effort=config.get("effort", "low") if thinking in _THINKS else None,
    )


_THINKS = frozenset({"adaptive", "enabled"})


def _in_chat_words(body: Json) -> Json:
    """Return the tools, the choice and the stops as chat has them."""
    tools = [
        {
            "name": tool["name"],
            "description": tool.get("description"),
            "parameters": tool["input_schema"],
        }
        for tool in body.get("tools") or []
    ]
    choice = body.get("tool_choice") or {}
    wanted: Any = {"any": "required", "tool": {"name": choice.get("name")}}
    return {
        "model": body["model"],
        "tools": tools,
        "tool_choice": wanted.get(choice.get("type")),
        "stop": body.get("stop_sequences") or (),
    }


def _parts(content: Any) -> Any:
    """Return the content with images and results in words that a prompt reads."""
    if isinstance(content, str):
        return content
    parts = []
    for block in content:
        if block["type"] == "image":
            source = block["source"]
            url = source.get("url") or source.get("data")
            parts.append({"type": "image_url", "image_url": {"url": url}})
        elif block["type"] == "tool_result":
            given = block.get("content")
            text = given if isinstance(given, str) else json.dumps(given)
            parts.append({"type": "text", "text": text})
        elif block["type"] == "tool_use":
            parts.append({"type": "text", "text": json.dumps(block["input"])})
        else:
            parts.append(block)
    return parts


def _content(prompt: Prompt, made: Answer, *, is_wanted: bool) -> list[Json]:
    if made.tool_name is not None:
        call = {
            "type": "tool_use",
            "id": new_id("toolu_", 24),
            "name": made.tool_name,
            "input": json.loads(made.text),
            "caller": {"type": "direct"},
        }
        return [call]
    blocks: list[Json] = []
    if made.tokens.reasoning:
        thought = {"type": "thinking", "thinking": "Considered.", "signature": "c2ln"}
        blocks.append(thought)
    if is_wanted and made.text:
        blocks.append({"type": "text", "text": made.text, "citations": None})
    return blocks


def _usage(prompt: Prompt, made: Answer) -> Json:
    """Return the usage; what was read from the cache stands beside the input."""
    cached = min(made.tokens.cached, prompt.input_tokens)
    return {
        "input_tokens": prompt.input_tokens - cached,
        "cache_read_input_tokens": cached,
        "cache_creation_input_tokens": 0,
        "output_tokens": made.tokens.total,
        "output_tokens_details": {"thinking_tokens": made.tokens.reasoning},
        "service_tier": "standard",
    }
