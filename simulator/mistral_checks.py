"""Mistral's checks of its request bodies; what it does not know is 422.

Sources: openapi.yaml of platform-docs-public 222f4ba and mistralai 3.7.0, both read
2026-11-22.
"""

from collections.abc import Mapping
from typing import Any

from simulator import checks
from simulator.bodies import EFFORTS, MOST_TOKENS, check_model
from simulator.checks import Check
from simulator.wire import ApiError, Json

_CHAT: Mapping[str, Check] = {
    "model": checks.string,
    "messages": checks.array,
    "temperature": checks.number(0, 1.5),
    "top_p": checks.number(0, 1),
    "max_tokens": checks.integer(0, MOST_TOKENS),
    "stream": checks.boolean,
    "stop": checks.anything,
    "random_seed": checks.integer(0),
    "metadata": checks.obj,
    "response_format": checks.obj,
    "tools": checks.array,
    "tool_choice": checks.anything,
    "presence_penalty": checks.number(-2, 2),
    "frequency_penalty": checks.number(-2, 2),
    "n": checks.integer(1, 1),
    "prediction": checks.obj,
    "parallel_tool_calls": checks.boolean,
    "reasoning_effort": checks.choice(*EFFORTS),
    "prompt_mode": checks.string,
    "safe_prompt": checks.boolean,
}
_EMBEDDINGS: Mapping[str, Check] = {
    "model": checks.string,
    "input": checks.anything,
    "output_dimension": checks.integer(1, 4096),
    "output_dtype": checks.choice("float"),
    "encoding_format": checks.choice("float", "base64"),
    "metadata": checks.obj,
}
_ROLES = ("system", "user", "assistant", "tool")
_PARTS = ("text", "image_url", "document_url", "reference", "thinking")


def check_body(operation: str, body: Json) -> None:
    """Refuse a body that Mistral would refuse.

    Raises:
        ApiError: 422, or 404 for a model that does not exist.
    """
    try:
        _check(operation, body)
    except ApiError as refusal:
        if refusal.status != 400:
            raise
        raise ApiError(422, refusal.message, param=refusal.param) from refusal


def _check(operation: str, body: Json) -> None:
    checks.check_keys(body, _CHAT if operation == "chat" else _EMBEDDINGS)
    checks.require(body, "model")
    check_model(body["model"])
    if operation == "chat":
        _check_messages(body)
    else:
        _check_input(body.get("input"))


def _check_messages(body: Json) -> None:
    if body.get("stream"):
        raise checks.invalid("stream", "The simulator does not stream.")
    if not body.get("messages"):
        raise checks.missing("messages")
    for place, message in enumerate(body["messages"]):
        param = f"messages.{place}"
        checks.obj(param, message)
        checks.choice(*_ROLES)(f"{param}.role", message.get("role"))
        _check_content(param, message.get("content"))
    wanted = body.get("response_format") or {}
    kinds = ("text", "json_object", "json_schema")
    if wanted:
        checks.choice(*kinds)("response_format.type", wanted.get("type"))
    if wanted.get("type") == "json_schema":
        schema = (wanted.get("json_schema") or {}).get("schema")
        checks.obj("response_format.json_schema.schema", schema)


def _check_content(param: str, content: Any) -> None:
    if content is None or isinstance(content, str):
        return
    checks.array(f"{param}.content", content)
    for part in content:
        checks.obj(f"{param}.content", part)
        checks.choice(*_PARTS)(f"{param}.content.type", part.get("type"))


def _check_input(given: Any) -> None:
    texts = [given] if isinstance(given, str) else given
    checks.array("input", texts)
    if not texts:
        raise checks.missing("input")
    for text in texts:
        checks.string("input", text)
