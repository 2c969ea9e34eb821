"""Customers' schemas and patterns: compiled, cached, and safe to run."""

from typing import Any

import pytest

from batches.manifest.schemas import compile_regex, compile_schema, regex_problem


def doubling(steps: int) -> dict[str, Any]:
    """Return a small schema that takes 2**steps evaluations."""
    pair = [[{"$ref": f"#/$defs/d{step}"}] * 2 for step in range(steps)]
    definitions: dict[str, Any] = {
        f"d{step + 1}": {"allOf": refs} for step, refs in enumerate(pair)
    }
    return {"$defs": {"d0": {}, **definitions}, "$ref": f"#/$defs/d{steps}"}


def chain(steps: int) -> dict[str, Any]:
    definitions: dict[str, Any] = {
        f"d{step}": {"$ref": f"#/$defs/d{step + 1}"} for step in range(steps)
    }
    return {"$defs": {**definitions, f"d{steps}": {}}, "$ref": "#/$defs/d0"}


def test_compiles_a_schema_once() -> None:
    one = compile_schema({"type": "object", "title": "cached"})
    other = compile_schema({"title": "cached", "type": "object"})

    assert one.validator is not None
    assert one.validator is other.validator


def test_takes_a_schema_that_refers_to_itself() -> None:
    tree = {"properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}}
    validator = compile_schema(tree).validator

    assert validator is not None
    assert validator.is_valid({"left": {"right": {}}}) is True


def test_counts_a_pattern_once_however_often_it_is_referred_to() -> None:
    patterns = {f"p{n}": {"pattern": f"^{n}$"} for n in range(32)}
    properties = {name: {"$ref": f"#/$defs/{name}"} for name in patterns}

    assert compile_schema({"$defs": patterns, "properties": properties}).reason is None


def test_takes_properties_that_are_named_like_keywords() -> None:
    schema = {"properties": {"$ref": {"type": "string"}, "enum": {"type": "string"}}}

    assert compile_schema(schema).reason is None


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (True, "A JSON schema is an object."),
        ({"title": "x" * 65_536}, "A JSON schema may have 64 KiB at most."),
        (
            {"$ref": "https://example.com/x"},
            "A $ref must point into the schema: #/$defs/name.",
        ),
        (
            {"$ref": "file:///etc/passwd"},
            "A $ref must point into the schema: #/$defs/name.",
        ),
        ({"$ref": "#/$defs/x"}, "The $ref '#/$defs/x' points to nothing."),
        ({"$dynamicRef": "#x"}, "$dynamicRef is not supported; use $ref."),
        (
            {"properties": {"a": {"$id": "https://example.com/a"}}},
            "$id is accepted at the top only.",
        ),
        (
            doubling(30),
            "With its $refs written out the schema has over 20000 parts.",
        ),
        (
            {"properties": {f"p{n}": {"pattern": str(n)} for n in range(33)}},
            "A JSON schema may have 32 patterns at most.",
        ),
        (
            {"patternProperties": {str(n): {} for n in range(33)}},
            "A JSON schema may have 32 patterns at most.",
        ),
        (
            {"dependencies": {"enum": doubling(30)["$defs"]["d30"]}, **doubling(30)},
            "With its $refs written out the schema has over 20000 parts.",
        ),
        (
            {"$schema": "http://json-schema.org/draft-04/schema#"},
            "Use draft 6 of JSON Schema, or a later one.",
        ),
        (chain(500), "Through its $refs the schema is over 120 levels deep."),
        (
            {"pattern": "(?=a)"},
            'Not a valid JSON schema: "(?=a)" is not a "regex"',
        ),
        (
            {"properties": {"enum": doubling(30)["$defs"]["d30"]}, **doubling(30)},
            "With its $refs written out the schema has over 20000 parts.",
        ),
    ],
)
def test_says_why_a_schema_is_refused(schema: Any, reason: str) -> None:
    found = compile_schema(schema)

    assert found.validator is None
    assert found.reason == reason


def test_runs_patterns_of_a_schema_in_linear_time() -> None:
    validator = compile_schema({"pattern": "^(a+)+$"}).validator

    assert validator is not None
    assert validator.is_valid("a" * 5_000 + "b") is False


def test_runs_a_pattern_in_linear_time() -> None:
    assert compile_regex("^(a+)+$").search("a" * 5_000 + "b") is None


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("a+", None),
        ("(", "RE2 does not accept this pattern: missing ): ("),
        ("a" * 513, "A pattern has at most 512 characters."),
    ],
)
def test_says_why_a_pattern_is_refused(pattern: str, reason: str | None) -> None:
    assert regex_problem(pattern) == reason
