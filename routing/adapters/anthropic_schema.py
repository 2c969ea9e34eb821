"""A customer's JSON schema in the subset that Anthropic compiles.

Objects have to be closed, and limits on numbers, lengths and counts are refused. What
is taken out is not lost: the answer is checked against the customer's own schema.
Source: ``lib/_parse/_transform.py`` of anthropic 2.12.0, read 2026-11-22.
"""

from typing import Any, Final

Json = dict[str, Any]

_REFUSED: Final = frozenset(
    {
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minLength", "maxLength", "pattern", "maxItems", "uniqueItems", "contains"),
        *("minProperties", "maxProperties", "patternProperties", "propertyNames"),
        *("$schema", "$id", "default", "examples"),
    }
)
# Keys whose value is one schema, a list of them, or a map of them by name.
_INNER: Final = frozenset({"items", "not"})
_LISTED: Final = frozenset({"anyOf", "allOf", "prefixItems"})
_NAMED: Final = frozenset({"properties", "$defs", "definitions"})


def closed(schema: Any) -> Any:
    """Return the schema with every object closed and without refused keywords."""
    if not isinstance(schema, dict):
        return schema
    found: Json = {}
    for key, value in schema.items():
        if key == "oneOf" and isinstance(value, list):
            found["anyOf"] = [closed(inner) for inner in value]
        elif key == "minItems" and value not in (0, 1):
            continue
        elif key not in _REFUSED:
            found[key] = _inner(key, value)
    if found.get("type") == "object" or "properties" in found:
        found["additionalProperties"] = False
    return found


def _inner(key: str, value: Any) -> Any:
    if key in _INNER:
        return closed(value)
    if key in _LISTED and isinstance(value, list):
        return [closed(inner) for inner in value]
    if key in _NAMED and isinstance(value, dict):
        return {name: closed(inner) for name, inner in value.items()}
    return value
