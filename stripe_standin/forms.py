"""Stripe's form encoding: ``line_items[0][price_data][currency]=usd``."""

import re
from typing import Any
from urllib.parse import parse_qsl

from stripe_standin.wire import Json, invalid

_NAME = re.compile(r"[^\[\]]+(?:\[[^\[\]]*\])*")
_PART = re.compile(r"[^\[\]]+|\[([^\[\]]*)\]")
MAX_FIELDS = 1_000
MAX_DEPTH = 8


def decode(encoded: str) -> Json:
    """Return the nested value of a form body or query; all leaves are text.

    Raises:
        ApiError: 400 when a name is malformed or used in two shapes.
    """
    try:
        pairs = parse_qsl(
            encoded, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict"
        )
    except ValueError as problem:
        raise invalid("Invalid request: the parameters cannot be read.") from problem
    root: Json = {}
    for name, value in pairs:
        _put(root, _parts(name), value)
    return {name: _with_lists(value) for name, value in root.items()}


def _parts(name: str) -> list[str]:
    if not _NAME.fullmatch(name):
        raise invalid(f"Invalid parameter name: {name}", param=name)
    parts = [
        found[0] if found[1] is None else found[1] for found in _PART.finditer(name)
    ]
    if len(parts) > MAX_DEPTH:
        raise invalid(f"Invalid parameter name: {name}", param=name)
    return parts


def _put(node: Json, parts: list[str], value: str) -> None:
    *path, last = parts
    for part in path:
        child = node.setdefault(part or str(len(node)), {})
        if not isinstance(child, dict):
            raise invalid(f"Received both a value and a hash: {part}", param=parts[0])
        node = child
    node[last or str(len(node))] = value


def _with_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    parts = {name: _with_lists(part) for name, part in value.items()}
    if all(name.isdecimal() for name in parts):
        return [parts[name] for name in sorted(parts, key=int)]
    return parts
