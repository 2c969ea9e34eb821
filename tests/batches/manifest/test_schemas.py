"""Customers' schemas and patterns: compiled, cached, and safe to run."""

from typing import Any

import pytest

from batches.manifest.schemas import (
    compile_regex,
    compile_schema,
    regex_misfit,
    regex_problem,
)


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


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


TWICE = [{"type": "object", "properties": {"a": {"$ref": "#"}}}] * 2


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf", "allOf"])
def test_a_schema_that_refers_to_itself_twice_is_checked_and_not_explained(
    keyword: str,
) -> None:
    # Explaining it would take 2**30 steps.
    schema = {"type": "object", keyword: TWICE}

    misfit = compile_schema(schema).misfit(nested(30), "")

    assert misfit == "The answer does not meet the schema, which refers to itself."


def test_says_where_the_first_misfit_is() -> None:
    schema = {"items": {"enum": list(range(5_000))}}

    misfit = compile_schema(schema).misfit([-1] * 50_000, "")

    assert misfit is not None
    assert misfit.startswith("0: -1 is not one of 0, 1")


def test_does_not_check_a_long_answer_against_a_large_schema() -> None:
    schema = {"items": {"not": {"anyOf": [{"const": n} for n in range(2_000)]}}}
    text = "[" + ",".join(["-1"] * 50_000) + "]"

    assert compile_schema(schema).misfit([-1] * 50_000, text) == (
        "The answer is too long to be checked against this schema."
    )
    assert compile_schema(schema).misfit([-1] * 50, text[:200]) is None


def test_does_not_run_a_large_pattern_of_a_schema_over_a_long_answer() -> None:
    schema = {"pattern": "a.{900}c"}
    text = "a" * 400_000

    assert compile_schema(schema).misfit(text, text) is not None
    assert compile_schema({"pattern": "^a+$"}).misfit(text, text) is None


def test_does_not_run_a_large_pattern_over_a_long_answer() -> None:
    text = "ab" * 200_000

    assert regex_misfit("(?:[ab]{0,30}){0,30}c", text) == (
        "The text is too long to be searched for this pattern."
    )
    assert regex_misfit("(?:[ab]{0,30}){0,30}b", "ab") is None
    assert regex_misfit("^(ab)+$", text) is None
