"""Which keys each endpoint takes, and what they may hold."""

import re
from collections.abc import Mapping
from typing import Any

from simulator import checks
from simulator.checks import Check
from simulator.schema_check import check_schema
from simulator.wire import ApiError, Json

MOST_TOKENS = 10_000_000  # above any model; keeps counting in machine integers
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_SHARED: Mapping[str, Check] = {
    "model": checks.string,
    "metadata": checks.metadata,
    "store": checks.boolean,
    "stream": checks.boolean,
    "stream_options": checks.obj,
    "service_tier": checks.choice(
        "auto", "default", "flex", "scale", "priority", "fast"
    ),
    "temperature": checks.number(0, 2),
    "top_p": checks.number(0, 1),
    "top_logprobs": checks.integer(0, 20),
    "user": checks.string,
    "safety_identifier": checks.string,
    "prompt_cache_key": checks.string,
    "prompt_cache_retention": checks.choice("in_memory", "24h"),
    "prompt_cache_options": checks.obj,
    "parallel_tool_calls": checks.boolean,
    "tools": checks.array,
    "tool_choice": checks.anything,
    "moderation": checks.obj,
}
_RESPONSES: Mapping[str, Check] = {
    **_SHARED,
    "input": checks.anything,
    "instructions": checks.string,
    "max_output_tokens": checks.integer(16, MOST_TOKENS),
    "max_tool_calls": checks.integer(1),
    "text": checks.obj,
    "reasoning": checks.obj,
    "background": checks.boolean,
    "include": checks.array,
    "previous_response_id": checks.string,
    "conversation": checks.anything,
    "prompt": checks.obj,
    "truncation": checks.choice("auto", "disabled"),
}
_CHAT: Mapping[str, Check] = {
    **_SHARED,
    "messages": checks.array,
    "max_completion_tokens": checks.integer(1, MOST_TOKENS),
    "max_tokens": checks.integer(1, MOST_TOKENS),
    "n": checks.integer(1),
    "stop": checks.anything,
    "seed": checks.integer(),
    "response_format": checks.obj,
    "reasoning_effort": checks.choice(*EFFORTS),
    "frequency_penalty": checks.number(-2, 2),
    "presence_penalty": checks.number(-2, 2),
    "logit_bias": checks.obj,
    "logprobs": checks.boolean,
    "verbosity": checks.choice("low", "medium", "high"),
    "modalities": checks.array,
    "prediction": checks.obj,
}
_EMBEDDINGS: Mapping[str, Check] = {
    "model": checks.string,
    "input": checks.anything,
    "dimensions": checks.integer(1, 4096),
    "encoding_format": checks.choice("float", "base64"),
    "user": checks.string,
}
_LOCAL_SAMPLING = ("top_k", "min_p", "repetition_penalty")
# Keys of other providers that OpenAI itself refuses.
_EXTRA: Mapping[str, tuple[str, ...]] = {
    "openrouter": (
        *("provider", "models", "route", "transforms", "usage", "reasoning"),
        *_LOCAL_SAMPLING,
    ),
    "mistral": ("random_seed", "safe_prompt", "prompt_mode", "output_dimension"),
    "deepseek": ("thinking",),
    "together": (*_LOCAL_SAMPLING, "safety_model"),
    "fireworks": (*_LOCAL_SAMPLING, "context_length_exceeded_behavior"),
    "groq": ("reasoning_format", "include_reasoning"),
}
_ROLES = ("system", "developer", "user", "assistant")
_TEXT_PARTS = ("input_text", "output_text", "text", "refusal")
_FORMAT_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def check_body(operation: str, body: Json, provider: str) -> None:
    """Refuse a body that the endpoint ``operation`` would refuse.

    Raises:
        ApiError: 400 with the parameter at fault, or 404 for an unknown model.
    """
    table, check_rest = _ENDPOINTS[operation]
    extra = dict.fromkeys(_EXTRA.get(provider, ()), checks.anything)
    checks.check_keys(body, {**table, **extra})
    checks.require(body, "model")
    check_model(body["model"])
    if body.get("stream"):
        raise checks.invalid("stream", "Streaming is not served.", "unsupported_value")
    check_rest(body)


def check_model(model: str) -> None:
    """Refuse a model whose name starts with ``missing-``; all others exist."""
    if model.startswith("missing-") or not model:
        raise ApiError(
            404,
            f"The model '{model}' does not exist or you do not have access to it.",
            code="model_not_found",
            param="model",
        )


def _check_responses(body: Json) -> None:
    checks.require(body, "input")
    for key in ("previous_response_id", "conversation", "background", "prompt"):
        if body.get(key):
            raise checks.invalid(
                key, f"Unsupported parameter: '{key}'.", "unsupported_parameter"
            )
    given = body["input"]
    if isinstance(given, list):
        for index, item in enumerate(given):
            _check_item(f"input[{index}]", item)
    elif not isinstance(given, str):
        raise checks.wrong_type("input", "one of an array or a string", given)
    _check_format("text.format", (body.get("text") or {}).get("format"), "")
    effort = (body.get("reasoning") or {}).get("effort")
    if effort is not None:
        checks.choice(*EFFORTS)("reasoning.effort", effort)
    _check_tools(body, nested=False)


def _check_chat(body: Json) -> None:
    checks.require(body, "messages")
    if not body["messages"]:
        raise checks.invalid(
            "messages",
            "Invalid 'messages': empty array. Expected an array with minimum length 1.",
            "empty_array",
        )
    for index, message in enumerate(body["messages"]):
        _check_message(f"messages[{index}]", message, (*_ROLES, "tool"))
    if body.get("n", 1) not in (None, 1):
        raise checks.invalid("n", "Only n=1 is served.", "unsupported_value")
    if body.get("max_tokens") and body.get("max_completion_tokens"):
        raise checks.invalid(
            "max_tokens", "Set either max_tokens or max_completion_tokens."
        )
    _check_stop(body.get("stop"))
    _check_format("response_format", body.get("response_format"), "json_schema")
    _check_tools(body, nested=True)


def _check_embeddings(body: Json) -> None:
    checks.require(body, "input")
    given = body["input"]
    if isinstance(given, str):
        parts: list[Any] = [given]
    elif isinstance(given, list):
        parts = given
    else:
        raise checks.wrong_type("input", "a string or an array", given)
    if not parts or "" in parts or len(parts) > 2048:
        raise checks.invalid(
            "input", "Invalid 'input': expected 1 to 2048 inputs that are not empty."
        )
    if len({type(part) for part in parts}) > 1 or not _embeddable(parts[0]):
        raise checks.wrong_type("input", "strings or token arrays", parts)


def _embeddable(part: Any) -> bool:
    numbers = part if isinstance(part, list) and part else [part]
    whole = all(isinstance(n, int) and not isinstance(n, bool) for n in numbers)
    return isinstance(part, str) or whole


def _check_item(param: str, item: Any) -> None:
    checks.obj(param, item)
    kind = item.get("type", "message")
    if kind != "message":
        checks.choice("function_call", "function_call_output", "reasoning")(
            f"{param}.type", kind
        )
        if kind == "function_call_output":
            checks.require(item, "output", at=param)
            _check_content(f"{param}.output", item["output"])
        return
    _check_message(param, item, _ROLES)


def _check_message(param: str, message: Any, roles: tuple[str, ...]) -> None:
    checks.obj(param, message)
    checks.require(message, "role", at=param)
    checks.choice(*roles)(f"{param}.role", message["role"])
    content = message.get("content")
    if content is None:
        if not message.get("tool_calls"):
            raise checks.missing(f"{param}.content")
        return
    _check_content(f"{param}.content", content)


def _check_content(param: str, content: Any) -> None:
    if isinstance(content, list):
        for index, part in enumerate(content):
            _check_part(f"{param}[{index}]", part)
    elif not isinstance(content, str):
        raise checks.wrong_type(param, "a string or an array", content)


def _check_part(param: str, part: Any) -> None:
    checks.obj(param, part)
    kind = part.get("type")
    checks.choice(*_TEXT_PARTS, "input_image", "image_url")(f"{param}.type", kind)
    if kind == "image_url":
        checks.require(part, "image_url", at=param)
        checks.obj(f"{param}.image_url", part["image_url"])
        checks.require(part["image_url"], "url", at=f"{param}.image_url")
    elif kind == "input_image":
        if not part.get("file_id"):
            checks.require(part, "image_url", at=param)
            checks.string(f"{param}.image_url", part["image_url"])
    else:
        key = "refusal" if kind == "refusal" else "text"
        checks.require(part, key, at=param)
        checks.string(f"{param}.{key}", part[key])


def _check_format(param: str, wanted: Any, nested_under: str) -> None:
    if wanted is None:
        return
    checks.obj(param, wanted)
    kind = wanted.get("type")
    checks.choice("text", "json_object", "json_schema")(f"{param}.type", kind)
    if kind != "json_schema":
        return
    if nested_under:
        checks.require(wanted, nested_under, at=param)
        param, wanted = f"{param}.{nested_under}", wanted[nested_under]
        checks.obj(param, wanted)
    checks.require(wanted, "name", "schema", at=param)
    if not _FORMAT_NAME.fullmatch(str(wanted["name"])):
        raise checks.invalid(f"{param}.name", f"Invalid '{param}.name'.")
    check_schema(f"{param}.schema", wanted["schema"], strict=bool(wanted.get("strict")))


def _check_stop(stop: Any) -> None:
    if stop is None or isinstance(stop, str):
        return
    checks.array("stop", stop)
    if len(stop) > 4:
        raise checks.invalid("stop", "Invalid 'stop': at most 4 sequences.")
    for index, text in enumerate(stop):
        checks.string(f"stop[{index}]", text)


def _check_tools(body: Json, *, nested: bool) -> None:
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        checks.obj("tool_choice.function", choice.get("function") or {})
    elif choice is not None:
        checks.choice("none", "auto", "required")("tool_choice", choice)
    for index, tool in enumerate(body.get("tools") or []):
        param = f"tools[{index}]"
        checks.obj(param, tool)
        checks.require(tool, "type", at=param)
        if tool["type"] == "function":
            function = tool.get("function") if nested else tool
            checks.obj(f"{param}.function" if nested else param, function)
            checks.require(function, "name", at=param)


_ENDPOINTS = {
    "responses": (_RESPONSES, _check_responses),
    "chat": (_CHAT, _check_chat),
    "embeddings": (_EMBEDDINGS, _check_embeddings),
}
