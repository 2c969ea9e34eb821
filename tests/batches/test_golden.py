"""Whether an answer is the one that was expected."""

from typing import Any

import pytest

from batches.golden import is_right
from routing.contracts import Output


def judge(expected: Any, match: str, text: str | None, parsed: Any = None) -> bool:
    golden = {"expected": expected, "match": match}
    return is_right(golden, Output(text=text, finish_reason="stop"), parsed)


@pytest.mark.parametrize(
    ("expected", "match", "text", "right"),
    [
        ("yes", "exact", " yes\n", True),
        ("yes", "exact", "Yes", False),
        ("yes", "exact", None, False),
        ("4", "contains", "It is 42.", True),
        ("5", "contains", "It is 42.", False),
        (r"\b42\b", "regex", "It is 42.", True),
        (r"^42$", "regex", "It is 42.", False),
        ({"a": 1, "b": [2]}, "json", '{"b": [2.0], "a": 1}', True),
        ({"a": 1}, "json", 'Sure: {"a": 1}', True),
        ({"a": 1}, "json", '{"a": true}', False),
        ({"a": 1}, "json", '{"a": 1, "b": 2}', False),
        ([1, 2], "json", "[2, 1]", False),
        ({"a": 1}, "json", "no JSON", False),
    ],
)
def test_compares_as_the_item_says(
    expected: Any, match: str, text: str | None, right: bool
) -> None:
    assert judge(expected, match, text) is right


def test_an_exact_text_is_the_default() -> None:
    output = Output(text="yes", finish_reason="stop")

    assert is_right({"expected": "yes"}, output, None) is True


def test_takes_the_json_that_the_checks_read() -> None:
    assert judge({"a": 1}, "json", "ignored", {"a": 1}) is True
