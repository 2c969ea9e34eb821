"""Gemini's replies, made of the same answers as every other wire's."""

import json
from typing import Any

from simulator import embeddings
from simulator.answers import Answer, answer
from simulator.faults import Plan
from simulator.gemini_checks import text_of, thinking_of
from simulator.prompts import Prompt, Reading, make_prompt
from simulator.replies import bend_usage
from simulator.usage import count_tokens
from simulator.wire import ApiError, Json, new_id

_FINISH = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "tool_calls": "STOP",
    "content_filter": "SAFETY",
}
_STATUS_WORDS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo"
_ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
_BUDGET_EFFORTS = ((0, None), (4_096, "low"), (16_384, "medium"))


def error_body(refusal: ApiError, _request_id: str) -> Json:
    """Return a refusal in Google's shape; a wrong key is 400 with a reason."""
    error: Json = {
        "code": refusal.status,
        "message": refusal.message,
        "status": _STATUS_WORDS.get(refusal.status, "UNKNOWN"),
    }
    wait = refusal.headers.get("Retry-After")
    if wait is not None:
        error["details"] = [{"@type": _RETRY_INFO, "retryDelay": f"{wait}s"}]
    elif refusal.code is not None:
        reason = refusal.code.upper()
        error["details"] = [{"@type": _ERROR_INFO, "reason": reason}]
    return {"error": error}


def content_reply(model: str, body: Json, plan: Plan) -> Json:
    """Return the generateContent reply to a checked body."""
    prompt = from_content(model, body)
    made = answer(prompt, plan)
    answered: Json = {
        "candidates": [_candidate(prompt, made, plan)],
        "usage": _usage(prompt, made),
        "modelVersion": "unexpected-model-0000" if plan.get("wrongmodel") else model,
        "responseId": new_id("", 22),
    }
    if plan.get("halted"):
        answered["candidates"] = [{"finishReason": "MALFORMED_RESPONSE", "index": 0}]
    elif made.refusal is not None:
        # A blocked prompt has no candidate at all.
        del answered["candidates"]
        answered["promptFeedback"] = {"blockReason": "PROHIBITED_CONTENT"}
        del answered["usage"]["candidatesTokenCount"]
    return _renamed(bend_usage(answered, plan))


def vectors_reply(model: str, requests: list[Json], plan: Plan) -> Json:
    """Return the batchEmbedContents reply to checked requests."""
    found = [] if plan.get("empty") else [_vector(model, one) for one in requests]
    tokens = sum(count_tokens(text_of(one["content"])) for one in requests)
    answered = {"embeddings": found, "usage": {"promptTokenCount": tokens}}
    return _renamed(bend_usage(answered, plan))


def vector_reply(model: str, request: Json, plan: Plan) -> Json:
    """Return the row of a batch that embeds one content."""
    found = None if plan.get("empty") else _vector(model, request)
    tokens = count_tokens(text_of(request["content"]))
    return {"embedding": found, "tokenCount": f"{tokens}"}


def count_reply(model: str, body: Json) -> Json:
    """Return the count of a body's input."""
    return {"totalTokens": from_content(model, body).input_tokens}


def tokens_used(answered: Json) -> tuple[int, int]:
    """Return the input and output tokens a reply reports; nonsense counts as 0."""
    found = answered.get("usageMetadata")
    found = found if isinstance(found, dict) else {}
    used = [found.get(f"{name}TokenCount", 0) for name in ("prompt", "candidates")]
    given, made = (n if isinstance(n, int) and 0 <= n < 10**9 else 0 for n in used)
    return given, made


def from_content(model: str, body: Json) -> Prompt:
    """Read a checked generateContent body."""
    reading = Reading([], [], [])
    if body.get("systemInstruction"):
        reading.take("system", _parts(body["systemInstruction"]))
    for content in body["contents"]:
        role = "assistant" if content.get("role") == "model" else "user"
        reading.take(role, _parts(content))
    config = body.get("generationConfig") or {}
    schema = config.get("responseJsonSchema")
    is_json = config.get("responseMimeType") == "application/json"
    kind = "json_schema" if schema else "json_object" if is_json else "text"
    return make_prompt(
        {"model": model, "stop": config.get("stopSequences"), **_tools(body)},
        reading,
        shape=(kind, schema),
        max_tokens=config.get("maxOutputTokens"),
        effort=_effort(thinking_of(body)),
    )


def _tools(body: Json) -> Json:
    """Return the tools and the choice as chat has them."""
    tools = [
        {
            "name": function["name"],
            "description": function.get("description"),
            "parameters": function.get("parametersJsonSchema"),
        }
        for tool in body.get("tools") or ()
        for function in tool.get("functionDeclarations") or ()
    ]
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    choice: Any = None
    if calling.get("mode") == "ANY":
        named = calling.get("allowedFunctionNames")
        choice = {"name": named[0]} if named else "required"
    return {"tools": tools, "tool_choice": choice}


def _effort(config: Json) -> str | None:
    if "thinkingLevel" in config:
        return str(config["thinkingLevel"]).lower()
    budget = config.get("thinkingBudget")
    if budget is None:
        return None
    for most, effort in _BUDGET_EFFORTS:
        if budget <= most:
            return effort
    return "high"


def _parts(content: Json) -> list[Json]:
    """Return the parts in words that a prompt reads."""
    return [_part(part) for part in content["parts"]]


def _part(part: Json) -> Json:
    if "text" in part:
        return {"type": "text", "text": part["text"]}
    if "inlineData" in part or "fileData" in part:
        inline = part.get("inlineData") or {}
        url = inline.get("data") or part.get("fileData", {}).get("fileUri")
        return {"type": "image_url", "image_url": {"url": url}}
    return {"type": "text", "text": json.dumps(part)}


def _candidate(prompt: Prompt, made: Answer, plan: Plan) -> Json:
    candidate: Json = {"finishReason": _FINISH[made.finish], "index": 0}
    parts: list[Json] = []
    if made.tokens.reasoning:
        parts.append({"text": "Considered.", "thought": True})
    if made.tool_name is not None:
        call = {"name": made.tool_name, "args": json.loads(made.text)}
        parts.append({"functionCall": call, "thoughtSignature": "c2ln"})
    elif made.text and not plan.get("empty"):
        parts.append({"text": made.text})
    if parts:
        candidate["content"] = {"parts": parts, "role": "model"}
    return candidate


def _usage(prompt: Prompt, made: Answer) -> Json:
    """Return the usage; thoughts stand beside the output, a 0 is left out."""
    shown = made.tokens.total - made.tokens.reasoning
    found = {
        "promptTokenCount": prompt.input_tokens,
        "candidatesTokenCount": shown,
        "totalTokenCount": prompt.input_tokens + made.tokens.total,
    }
    if made.tokens.reasoning:
        found["thoughtsTokenCount"] = made.tokens.reasoning
    if made.tokens.cached:
        cached = min(made.tokens.cached, prompt.input_tokens)
        found["cachedContentTokenCount"] = cached
    return found


def _renamed(answered: Json) -> Json:
    if "usage" in answered:
        answered["usageMetadata"] = answered.pop("usage")
    return answered


def _vector(model: str, request: Json) -> Json:
    size = request.get("outputDimensionality") or embeddings.dimensions_of(
        {"model": model}
    )
    return {"values": embeddings.embed(text_of(request["content"]), int(size))}
