"""The reply bodies of the three direct endpoints."""

import time
from typing import Any

from simulator import embeddings, usage
from simulator.answers import Answer, answer
from simulator.faults import Plan
from simulator.prompts import Prompt, from_chat, from_responses
from simulator.wire import Json, new_id

_GARBAGE_USAGE: Json = {
    "input_tokens": "many",
    "prompt_tokens": None,
    "output_tokens": -5,
    "completion_tokens": 1.5,
    "total_tokens": {"oops": True},
}
_HUGE_TOKENS = 10**12


def reply(operation: str, body: Json, plan: Plan) -> Json:
    """Return the reply to a checked body, bent by the content faults in ``plan``."""
    made = {"responses": _responses, "chat": _chat, "embeddings": _embeddings}
    answered = made[operation](body, plan)
    if plan.get("wrongmodel"):
        answered["model"] = "unexpected-model-0000"
    return bend_usage(answered, plan)


def tokens_used(answered: Json) -> tuple[int, int]:
    """Return the input and output tokens a reply reports; nonsense counts as 0."""
    reported = answered.get("usage")
    found = reported if isinstance(reported, dict) else {}
    used = [
        found.get("input_tokens", found.get("prompt_tokens", 0)),
        found.get("output_tokens", found.get("completion_tokens", 0)),
    ]
    given, made = (n if isinstance(n, int) and 0 <= n < 10**9 else 0 for n in used)
    return given, made


def _responses(body: Json, plan: Plan) -> Json:
    prompt = from_responses(body)
    made = answer(prompt, plan)
    cut = {"length": "max_output_tokens", "content_filter": "content_filter"}
    reason = cut.get(made.finish)
    now = int(time.time())
    return {
        "id": new_id("resp_", 48),
        "object": "response",
        "created_at": now,
        "completed_at": None if reason else now,
        "status": "incomplete" if reason else "completed",
        "background": False,
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "max_tool_calls": body.get("max_tool_calls"),
        "model": body["model"],
        "output": _output_items(prompt, made, reason),
        **_echoed(body),
        "usage": usage.responses_usage(prompt.input_tokens, made.tokens),
    }


def _echoed(body: Json) -> Json:
    text = body.get("text") or {}
    reasoning = body.get("reasoning") or {}
    tier = body.get("service_tier") or "auto"
    top_p, temperature = body.get("top_p"), body.get("temperature")
    return {
        "parallel_tool_calls": body.get("parallel_tool_calls") is not False,
        "previous_response_id": None,
        "prompt_cache_key": body.get("prompt_cache_key"),
        "prompt_cache_retention": body.get("prompt_cache_retention"),
        "reasoning": {"effort": reasoning.get("effort"), "summary": None},
        "safety_identifier": body.get("safety_identifier"),
        "service_tier": "default" if tier == "auto" else tier,
        "store": body.get("store") is not False,
        "temperature": 1.0 if temperature is None else temperature,
        "text": {
            "format": _format_echo(text.get("format")),
            "verbosity": text.get("verbosity") or "medium",
        },
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": [_tool_echo(tool) for tool in body.get("tools") or []],
        "top_logprobs": body.get("top_logprobs") or 0,
        "top_p": 1.0 if top_p is None else top_p,
        "truncation": body.get("truncation") or "disabled",
        "user": body.get("user"),
        "metadata": body.get("metadata") or {},
    }


def _format_echo(wanted: Any) -> Json:
    if not wanted:
        return {"type": "text"}
    if wanted["type"] != "json_schema":
        return {"type": wanted["type"]}
    return {
        "type": "json_schema",
        "name": wanted["name"],
        "description": wanted.get("description"),
        "schema": wanted["schema"],
        "strict": bool(wanted.get("strict")),
    }


def _tool_echo(tool: Json) -> Json:
    if tool["type"] != "function":
        return tool
    plain = {"description": None, "parameters": None, "strict": True}
    return {**plain, **tool}


def _output_items(prompt: Prompt, made: Answer, reason: str | None) -> list[Json]:
    items: list[Json] = []
    if made.tokens.reasoning:
        items.append({"id": new_id("rs_", 48), "type": "reasoning", "summary": []})
    status = "incomplete" if reason else "completed"
    if made.tool_name:
        call = {"type": "function_call", "status": status, "name": made.tool_name}
        ids = {"id": new_id("fc_", 48), "call_id": new_id("call_", 24)}
        return [*items, {**ids, **call, "arguments": made.text}]
    text: Json = {"type": "output_text", "annotations": [], "logprobs": []}
    if made.refusal:
        content = [{"type": "refusal", "refusal": made.refusal}]
    else:
        content = [{**text, "text": made.text}]
    message = {"id": new_id("msg_", 48), "type": "message", "status": status}
    return [*items, {**message, "content": content, "role": "assistant"}]


def _chat(body: Json, plan: Plan) -> Json:
    prompt = from_chat(body)
    made = answer(prompt, plan)
    message: Json = {
        "role": "assistant",
        "content": None if made.refusal or made.tool_name else made.text,
        "refusal": made.refusal,
        "annotations": [],
    }
    if made.tool_name:
        function = {"name": made.tool_name, "arguments": made.text}
        call = {"id": new_id("call_", 24), "type": "function", "function": function}
        message["tool_calls"] = [call]
    return {
        "id": new_id("chatcmpl-", 28),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body["model"],
        "choices": [
            {
                "index": 0,
                "message": message,
                "logprobs": None,
                "finish_reason": made.finish,
            }
        ],
        "usage": usage.chat_usage(prompt.input_tokens, made.tokens),
        "service_tier": _tier(body),
        "system_fingerprint": "fp_simulator",
    }


def _tier(body: Json) -> str:
    tier = body.get("service_tier") or "auto"
    return "default" if tier == "auto" else str(tier)


def _embeddings(body: Json, plan: Plan) -> Json:
    inputs = embeddings.inputs_of(body)
    size = embeddings.dimensions_of(body)
    wire_format = body.get("encoding_format") or "float"
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": embeddings.encoded(
                embeddings.embed(embeddings.as_text(given), size), wire_format
            ),
        }
        for index, given in enumerate(inputs)
    ]
    if plan.get("empty"):
        data = []
    tokens = sum(map(embeddings.tokens_of, inputs))
    return {
        "object": "list",
        "data": data,
        "model": body["model"],
        "usage": usage.embeddings_usage(tokens),
    }


def bend_usage(answered: Json, plan: Plan) -> Json:
    """Return a reply with the usage that the scripted fault wants, if one struck."""
    fault = plan.get("usage")
    if fault is None:
        return answered
    reported = answered.pop("usage")
    value = fault.options.get("value")
    if value == "garbage":
        answered["usage"] = {k: _GARBAGE_USAGE.get(k, "?") for k in reported}
    elif value == "huge":
        answered["usage"] = {
            k: _HUGE_TOKENS if isinstance(n, int) else n for k, n in reported.items()
        }
    return answered
