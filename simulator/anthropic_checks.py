"""Anthropic's checks of a Messages body.

Source: ``MessageCreateParams`` of anthropic 2.12.0 and providers.md 1.2, both read
2026-11-22.
"""

import re
from collections.abc import Mapping
from typing import Any

from simulator import checks
from simulator.checks import Check
from simulator.wire import ApiError, Json

NEWEST, OLDER = "2026-10-21", "2023-06-01"
VERSIONS = frozenset({NEWEST, OLDER})
SAMPLING = ("temperature", "top_p", "top_k")
_CUSTOM_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MEDIA_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_BUDGET_MIN = 1_024
# Models that refuse sampling under either version.
_NO_SAMPLING = ("claude-opus-5", "claude-opus-4-8", "claude-sonnet-5", "claude-haiku-5")
_NO_FORCED_TOOLS = ("claude-opus-5-5", "claude-sonnet-5-5", "claude-fable-5")

_KEYS: Mapping[str, Check] = {
    "model": checks.string,
    "messages": checks.array,
    "max_tokens": checks.integer(1),
    "system": checks.anything,
    "metadata": checks.obj,
    "stop_sequences": checks.array,
    "stream": checks.boolean,
    "temperature": checks.number(0, 1),
    "top_p": checks.number(0, 1),
    "top_k": checks.integer(0),
    "tools": checks.array,
    "tool_choice": checks.obj,
    "thinking": checks.obj,
    "output_config": checks.obj,
    "service_tier": checks.choice("auto", "standard_only"),
}


def check_messages_body(body: Json, version: str) -> None:
    """Refuse what the Messages API would refuse under this version.

    Raises:
        ApiError: 400, or 404 for a model that does not exist.
    """
    checks.check_keys(body, _KEYS)
    checks.require(body, "model", "max_tokens", "messages")
    if body["model"].startswith("missing-"):
        raise ApiError(404, f"model: {body['model']}", code="not_found_error")
    if body.get("stream"):
        raise checks.invalid("stream", "The simulator does not stream.")
    _check_sampling(body, version)
    if not body["messages"]:
        raise checks.invalid("messages", "messages: at least one message is required")
    for index, message in enumerate(body["messages"]):
        _check_message(f"messages.{index}", message)
    if body["messages"][0]["role"] != "user":
        raise checks.invalid("messages", "messages: first message must use 'user'")
    _check_tools(body)
    _check_thinking(body)
    _check_output(body.get("output_config") or {})


def check_custom_id(custom_id: Any) -> None:
    """Refuse a custom id that Anthropic would refuse."""
    if not isinstance(custom_id, str) or not _CUSTOM_ID.fullmatch(custom_id):
        text = "custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'"
        raise checks.invalid("custom_id", text)


def _check_sampling(body: Json, version: str) -> None:
    refuses = version == NEWEST or body["model"].startswith(_NO_SAMPLING)
    for name in SAMPLING:
        if refuses and body.get(name) is not None:
            raise checks.invalid(name, f"{name}: not supported")


def _check_message(param: str, message: Any) -> None:
    checks.obj(param, message)
    checks.choice("user", "assistant")(f"{param}.role", message.get("role"))
    content = message.get("content")
    if not content or (isinstance(content, str) and not content.strip()):
        raise checks.invalid(param, f"{param}: content must not be empty")
    if isinstance(content, str):
        return
    checks.array(f"{param}.content", content)
    is_late = False
    for index, block in enumerate(content):
        _check_block(f"{param}.content.{index}", block)
        is_result = block["type"] == "tool_result"
        if is_result and is_late:
            raise checks.invalid(param, f"{param}: tool_result blocks must come first")
        is_late = is_late or not is_result


def _check_block(param: str, block: Any) -> None:
    checks.obj(param, block)
    kinds = ("text", "image", "tool_use", "tool_result", "thinking")
    checks.choice(*kinds)(f"{param}.type", block.get("type"))
    if block["type"] == "text":
        checks.string(f"{param}.text", block.get("text"))
        if not block["text"].strip():
            raise checks.invalid(param, f"{param}: text blocks must be non-empty")
    elif block["type"] == "image":
        _check_source(f"{param}.source", block.get("source"))
    elif block["type"] == "tool_use":
        checks.obj(f"{param}.input", block.get("input"))
        checks.require(block, "id", "name", at=param)
    elif block["type"] == "tool_result":
        checks.require(block, "tool_use_id", at=param)


def _check_source(param: str, source: Any) -> None:
    checks.obj(param, source)
    checks.choice("base64", "url")(f"{param}.type", source.get("type"))
    if source["type"] == "url":
        checks.string(f"{param}.url", source.get("url"))
        return
    checks.choice(*_MEDIA_TYPES)(f"{param}.media_type", source.get("media_type"))
    checks.string(f"{param}.data", source.get("data"))


def _check_tools(body: Json) -> None:
    for index, tool in enumerate(body.get("tools") or []):
        param = f"tools.{index}"
        checks.obj(param, tool)
        checks.require(tool, "name", "input_schema", at=param)
        checks.obj(f"{param}.input_schema", tool["input_schema"])
    choice = body.get("tool_choice")
    if choice is None:
        return
    checks.choice("auto", "any", "tool", "none")("tool_choice.type", choice.get("type"))
    is_forced = choice["type"] in ("any", "tool")
    if is_forced and body["model"].startswith(_NO_FORCED_TOOLS):
        raise checks.invalid("tool_choice", "tool_choice: forcing is not supported")


def _check_thinking(body: Json) -> None:
    thinking = body.get("thinking")
    if thinking is None:
        return
    kinds = ("enabled", "disabled", "adaptive", "between_tools")
    checks.choice(*kinds)("thinking.type", thinking.get("type"))
    if thinking["type"] == "enabled":
        budget = checks.integer(_BUDGET_MIN, body["max_tokens"] - 1)
        budget("thinking.budget_tokens", thinking.get("budget_tokens"))


def _check_output(config: Json) -> None:
    if config.get("effort") is not None:
        checks.choice(*_EFFORTS)("output_config.effort", config["effort"])
    wanted = config.get("format")
    if wanted is None:
        return
    checks.obj("output_config.format", wanted)
    checks.choice("json_schema")("output_config.format.type", wanted.get("type"))
    checks.obj("output_config.format.schema", wanted.get("schema"))
