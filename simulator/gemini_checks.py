"""Gemini's checks of its request bodies.

Source: the request types of google-genai 3.4.0 and providers.md 1.3, both read
2026-11-22.
"""

from collections.abc import Mapping
from typing import Any

from simulator import checks
from simulator.bodies import MOST_TOKENS, check_model
from simulator.checks import Check
from simulator.wire import ApiError, Json

STOPS_MAX = 5
_CONTENT_KEYS: Mapping[str, Check] = {
    "contents": checks.array,
    "systemInstruction": checks.obj,
    "generationConfig": checks.obj,
    "tools": checks.array,
    "toolConfig": checks.obj,
    "safetySettings": checks.array,
    "cachedContent": checks.string,
    "labels": checks.obj,
    "model": checks.string,
}
_CONFIG_KEYS: Mapping[str, Check] = {
    "maxOutputTokens": checks.integer(1, MOST_TOKENS),
    "temperature": checks.number(0, 2),
    "topP": checks.number(0, 1),
    "topK": checks.integer(1),
    "candidateCount": checks.integer(1, 1),
    "stopSequences": checks.array,
    "responseMimeType": checks.choice("text/plain", "application/json"),
    "responseJsonSchema": checks.obj,
    "responseSchema": checks.obj,
    "thinkingConfig": checks.obj,
    "seed": checks.integer(),
}
_PART_KINDS = ("text", "inlineData", "fileData", "functionCall", "functionResponse")
_EMBED_KEYS: Mapping[str, Check] = {
    "model": checks.string,
    "content": checks.obj,
    "outputDimensionality": checks.integer(1, 3072),
    "taskType": checks.string,
    "title": checks.string,
}
_SCHEMA_KEYS = frozenset(
    {
        *("$id", "$anchor", "$defs", "$ref", "type", "format", "title", "description"),
        *("enum", "items", "prefixItems", "minItems", "maxItems", "minimum", "maximum"),
        *("anyOf", "oneOf", "properties", "additionalProperties", "required"),
        "propertyOrdering",
    }
)
_LEVELS = ("MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH")


def check_content(model: str, body: Json) -> None:
    """Refuse what generateContent would refuse.

    Raises:
        ApiError: 400, or 404 for a model that does not exist.
    """
    check_model(model)
    checks.check_keys(body, _CONTENT_KEYS)
    if not body.get("contents"):
        raise checks.invalid("contents", "* contents: contents is not specified")
    for index, content in enumerate(body["contents"]):
        _check_said(f"contents[{index}]", content)
    if body.get("systemInstruction") is not None:
        _check_said("system_instruction", body["systemInstruction"])
    config = body.get("generationConfig") or {}
    checks.check_keys(config, _CONFIG_KEYS, at="generation_config")
    if len(config.get("stopSequences") or ()) > STOPS_MAX:
        raise checks.invalid("stop_sequences", "too many stop sequences")
    _check_schema(config)
    _check_thinking(thinking_of(body))
    _check_tools(body)


def check_embedding(model: str, body: Json, *, names_model: bool) -> None:
    """Refuse what embedding one content would refuse.

    Raises:
        ApiError: 400, or 404 for a model that does not exist.
    """
    check_model(model)
    checks.obj("requests", body)
    checks.check_keys(body, _EMBED_KEYS)
    checks.require(body, "content")
    _check_said("content", body["content"])
    if names_model and body.get("model") != f"models/{model}":
        raise checks.invalid("model", "all requests must name the model of the path")


def text_of(content: Json) -> str:
    """Return the words of a content."""
    return "\n".join(part.get("text", "") for part in content["parts"])


def _check_said(param: str, content: Any) -> None:
    checks.obj(param, content)
    if content.get("role") not in (None, "user", "model"):
        raise ApiError(400, "Please use a valid role: user, model.")
    checks.array(f"{param}.parts", content.get("parts"))
    if not content["parts"]:
        raise checks.invalid(param, f"{param}.parts must not be empty")
    for index, part in enumerate(content["parts"]):
        _check_part(f"{param}.parts[{index}]", part)


def _check_part(param: str, part: Any) -> None:
    checks.obj(param, part)
    kinds = [kind for kind in _PART_KINDS if kind in part]
    if len(kinds) != 1:
        raise checks.invalid(param, f"{param}.data: required oneof field must be set")
    kind = kinds[0]
    if kind == "text":
        checks.string(f"{param}.text", part["text"])
        return
    checks.obj(f"{param}.{kind}", part[kind])
    needed = {
        "inlineData": ("mimeType", "data"),
        "fileData": ("fileUri",),
        "functionCall": ("name",),
        "functionResponse": ("name", "response"),
    }
    checks.require(part[kind], *needed[kind], at=f"{param}.{kind}")


def _check_schema(config: Json) -> None:
    schema = config.get("responseJsonSchema")
    if schema is None:
        return
    if config.get("responseMimeType") != "application/json":
        raise checks.invalid("response_mime_type", "a schema needs application/json")
    _check_keywords(schema)


def _check_keywords(schema: Any) -> None:
    if not isinstance(schema, dict):
        return
    unknown = schema.keys() - _SCHEMA_KEYS
    if unknown:
        raise checks.invalid("response_json_schema", f"Unknown name {min(unknown)!r}")
    for key in ("items", "additionalProperties"):
        _check_keywords(schema.get(key))
    for key in ("anyOf", "oneOf", "prefixItems"):
        for inner in schema.get(key) or ():
            _check_keywords(inner)
    for key in ("properties", "$defs"):
        for inner in (schema.get(key) or {}).values():
            _check_keywords(inner)


def thinking_of(body: Json) -> Json:
    """Return the thinking that is asked for; some clients write it in snake case."""
    given = (body.get("generationConfig") or {}).get("thinkingConfig") or {}
    names = {"thinking_budget": "thinkingBudget", "thinking_level": "thinkingLevel"}
    return {names.get(name, name): value for name, value in given.items()}


def _check_thinking(config: Json) -> None:
    if "thinkingBudget" in config and "thinkingLevel" in config:
        raise checks.invalid("thinking_config", "budget and level exclude each other")
    if "thinkingBudget" in config:
        checks.integer(-1)("thinking_budget", config["thinkingBudget"])
    if "thinkingLevel" in config:
        checks.choice(*_LEVELS)("thinking_level", config["thinkingLevel"])


def _check_tools(body: Json) -> None:
    for tool in body.get("tools") or ():
        checks.obj("tools", tool)
        for function in tool.get("functionDeclarations") or ():
            checks.require(function, "name", at="tools.function_declarations")
            _check_keywords(function.get("parametersJsonSchema"))
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    if calling.get("mode") is not None:
        modes = ("AUTO", "ANY", "NONE", "VALIDATED")
        checks.choice(*modes)("function_calling_config.mode", calling["mode"])
