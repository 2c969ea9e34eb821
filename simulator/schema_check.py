"""What OpenAI demands of a JSON schema before it promises to follow it."""

from typing import Any

from simulator import checks
from simulator.wire import ApiError


def check_schema(param: str, schema: Any, *, strict: bool) -> None:
    """Refuse a schema that is no object; with ``strict`` also a loose one.

    Raises:
        ApiError: 400 ``invalid_json_schema``.
    """
    checks.obj(param, schema)
    if strict:
        if schema.get("type") != "object":
            raise _refusal(param, "schema must have type 'object'.")
        _check_node(param, schema, 0)


def _check_node(param: str, node: Any, depth: int) -> None:
    if not isinstance(node, dict) or depth > 20:
        return
    properties = node.get("properties")
    if isinstance(properties, dict):
        if node.get("additionalProperties") is not False:
            raise _refusal(
                param, "'additionalProperties' is required to be supplied and false."
            )
        if set(node.get("required") or []) != set(properties):
            raise _refusal(
                param,
                "'required' is required to be supplied and to be an array including "
                "every key in properties.",
            )
    for inner in _children(node):
        _check_node(param, inner, depth + 1)


def _children(node: dict[str, Any]) -> list[Any]:
    found = [node.get("items")]
    for key in ("properties", "$defs", "definitions"):
        inner = node.get(key)
        found += list(inner.values()) if isinstance(inner, dict) else []
    for key in ("anyOf", "oneOf", "allOf"):
        inner = node.get(key)
        found += inner if isinstance(inner, list) else []
    return found


def _refusal(param: str, detail: str) -> ApiError:
    return checks.invalid(
        param, f"Invalid schema for response_format: {detail}", "invalid_json_schema"
    )
