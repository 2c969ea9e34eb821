"""A customer's JSON schema in the keywords that Gemini takes.

What is left out is not lost: the answer is checked against the customer's own schema.
Source: ``GenerationConfig.response_json_schema`` of google-genai 3.4.0, 2026-11-22.
"""

from typing import Any, Final

Json = dict[str, Any]

_TAKEN: Final = frozenset(
    {
        *("$id", "$anchor", "type", "format", "title", "description", "enum"),
        *("minItems", "maxItems", "minimum", "maximum", "required"),
        "propertyOrdering",
    }
)
# Keys whose value is one schema, a list of them, or a map of them by name.
_INNER: Final = frozenset({"items", "additionalProperties"})
_LISTED: Final = frozenset({"anyOf", "oneOf", "prefixItems"})
_NAMED: Final = frozenset({"properties", "$defs"})


def taken(schema: Any) -> Any:
    """Return the schema without the keywords that Gemini refuses."""
    if not isinstance(schema, dict):
        return schema
    if isinstance(schema.get("$ref"), str):
        # Beside a reference nothing but its own kind of keys may stand.
        kept = {"$ref": _pointer(schema["$ref"])}
        return kept | _read({"$defs": schema["$defs"]} if "$defs" in schema else {})
    return _read(schema)


def _read(schema: Json) -> Json:
    found: Json = {}
    for key, value in schema.items():
        if key == "definitions" and isinstance(value, dict):
            found["$defs"] = _named(value)
        elif key == "const":
            found["enum"] = [value]
        elif key in _TAKEN:
            found[key] = value
        elif key in _INNER:
            found[key] = taken(value)
        elif key in _LISTED and isinstance(value, list):
            found[key] = [taken(inner) for inner in value]
        elif key in _NAMED and isinstance(value, dict):
            found[key] = _named(value)
    return found


def _named(schemas: Json) -> Json:
    return {name: taken(inner) for name, inner in schemas.items()}


def _pointer(reference: str) -> str:
    return reference.replace("#/definitions/", "#/$defs/", 1)
