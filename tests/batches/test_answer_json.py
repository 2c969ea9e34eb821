"""JSON out of an answer: unwrapped, mended, and never invented."""

from typing import Any

import pytest

from batches.answer_json import REPAIR_LENGTH_MAX, ReadJson, read_json


def read(text: str) -> ReadJson:
    return read_json(text, may_repair=True)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"n": 1', {"n": 1}),
        ('{"n": 1,}', {"n": 1}),
        ("{'ok': true, 'n': null}", {"ok": True, "n": None}),
        ("{n: 1, m: [2, 3,]}", {"n": 1, "m": [2, 3]}),
        ('{"a": "he said "hi" to me"}', {"a": 'he said "hi" to me'}),
        ('{"a": "line\nbreak"}', {"a": "line\nbreak"}),
        ('{"a": "tab\\tand \\u00e9",}', {"a": "tab\tand é"}),
        ("{\u201ca\u201d: \u201cb\u201d}", {"a": "b"}),
        ('{"price": 1.50, "n": 1e5,}', {"price": 1.5, "n": 100000.0}),
        ('[{"a": 1}{"b": -2}]', [{"a": 1}, {"b": -2}]),
        ('```json\n{"a": 1,}\n```', {"a": 1}),
    ],
)
def test_mends_punctuation(text: str, value: Any) -> None:
    found = read(text)

    assert (found.value, found.problem) == (value, None)
    assert found.how == "Mended without asking again: punctuation only."


@pytest.mark.parametrize(
    "text",
    [
        '{"n": 1} or {"n": 2}',
        '{"n": 1, "n": 2}',
        '{"n": NaN,}',
        '{"zip": 007}',
        '{"n": 12345678901234567890,}',
        '{"a": 1 // seen\n}',
        '{"a" 1}',
        '{"a": "\\u0000",}',
        '{"a": "\ud800",}',
        "no JSON at all",
        '"text",',
        "[" * 40,
        "{" + '"a": {' * 33,
        "",
    ],
)
def test_leaves_what_would_have_to_be_invented_or_dropped(text: str) -> None:
    found = read(text)

    assert (found.value, found.text) == (None, None)
    assert found.problem


def test_does_not_mend_an_answer_that_was_cut_off() -> None:
    assert read_json('{"n": [1, 2', may_repair=False).problem is not None
    assert read_json('{"n": [1, 2]}', may_repair=False).value == {"n": [1, 2]}


def test_gives_the_text_that_was_read_where_it_is_not_the_answers_own() -> None:
    assert read('{"n": 1}').text is None
    assert read('So: {"n": 1}!').text == '{"n": 1}'
    assert read('{"n": 1,}').text == '{"n":1}'


def test_the_same_text_is_always_mended_in_the_same_way() -> None:
    text = '{"a": ["x" "y", z], b: }'
    assert read(text) == read(text)


@pytest.mark.parametrize(
    "unit",
    ['a"b', '"* ', '`"\n\n', "*]}\u201c\n", '"`\n', '"a":1,', "{", '"x'],
)
def test_gives_up_on_a_text_that_would_take_long(unit: str) -> None:
    text = '{"k":["' + unit * (REPAIR_LENGTH_MAX // len(unit))

    assert read(text[:REPAIR_LENGTH_MAX]).problem is not None


def test_does_not_mend_a_text_that_is_longer_than_the_bound() -> None:
    text = '{"n": "' + "x" * REPAIR_LENGTH_MAX + '",}'

    assert read(text).problem is not None
