"""JSON from outside: one meaning, or none."""

import contextlib
import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as some

from batchrouter.kit.strict_json import StrictJsonError, loads

VALUES = some.recursive(
    some.none()
    | some.booleans()
    | some.integers(-(2**63), 2**63 - 1)
    | some.floats(allow_nan=False, allow_infinity=False)
    | some.text(some.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda inner: some.lists(inner) | some.dictionaries(some.text("ab, :1"), inner),
    max_leaves=15,
)


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"{}", {}),
        (b' {"a" : [1, 2.5, true, null, "x"] }\r', {"a": [1, 2.5, True, None, "x"]}),
        (b"9223372036854775807", 2**63 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b"9007199254740993", 2**53 + 1),
        (b"1.0E+2", 100.0),
        (b"1e-400", 0.0),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"\\u2028"', "\u2028"),
        (b'"\\\\u0000"', "\\u0000"),
        (b'{"a, b":1,"a,b":2}', {"a, b": 1, "a,b": 2}),
        (nested(32), orjson.loads(nested(32))),
        (b'"' + b"[" * 100 + b'"', "[" * 100),
    ],
)
def test_reads_json(data: bytes, value: Any) -> None:
    found = loads(data)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "json_syntax"),
        (b"{", "json_syntax"),
        (b"{} {}", "json_syntax"),
        (b"[1,]", "json_syntax"),
        (b"{'a':1}", "json_syntax"),
        (b"01", "json_syntax"),
        (b"NaN", "json_syntax"),
        (b"-Infinity", "json_syntax"),
        (b'"a\x00"', "json_syntax"),
        (b'"a\nb"', "json_syntax"),
        (b'"\\ud800"', "json_syntax"),
        (b'"\\udc00"', "json_syntax"),
        (b"\xff", "json_syntax"),
        (b"\xef\xbb\xbf{}", "json_syntax"),
        ("{}".encode("utf-16"), "json_syntax"),
        (b"1e400", "json_number"),
        (b"[-1e400]", "json_number"),
        (b"9223372036854775808", "json_number"),
        (b"-9223372036854775809", "json_number"),
        (b"18446744073709551615", "json_number"),
        (b"1" * 5_000, "json_number"),
        (b'{"a":1,"a":1}', "json_duplicate_key"),
        (b'{"a": 1, "a": 2}', "json_duplicate_key"),
        (b'{"a":1,"\\u0061":2}', "json_duplicate_key"),
        (b'[{"b":{"a":1,"a":100.0}}]', "json_duplicate_key"),
        (b'{"a":1,"a":1E2}', "json_duplicate_key"),
        (b'"\\u0000"', "json_nul"),
        (b'{"\\u0000":1}', "json_nul"),
        (b'[[{"a":["\\u0000"]}]]', "json_nul"),
        (nested(33), "json_depth"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "json_depth"),
        (nested(2_000), "json_depth"),
        (nested(500_000), "json_depth"),
    ],
)
def test_refuses_what_could_be_read_differently(data: bytes, code: str) -> None:
    with pytest.raises(StrictJsonError) as caught:
        loads(data)

    assert caught.value.code == code


def test_names_the_key_that_stands_twice() -> None:
    with pytest.raises(StrictJsonError) as caught:
        loads(b'{"model":"a","model":"b"}')

    assert caught.value.message == "The key 'model' stands twice."


def test_takes_another_depth() -> None:
    assert loads(nested(2), max_depth=2) == [[]]
    with pytest.raises(StrictJsonError):
        loads(nested(3), max_depth=2)


@given(VALUES)
def test_reads_what_any_writer_writes(value: Any) -> None:
    expected = json.loads(json.dumps(value))

    assert loads(json.dumps(value).encode()) == expected
    assert loads(json.dumps(value, ensure_ascii=False).encode()) == expected
    assert loads(json.dumps(value, indent=1).encode()) == expected
    assert loads(orjson.dumps(value)) == expected


@given(some.binary(max_size=40) | VALUES.map(orjson.dumps))
def test_reads_or_refuses_any_bytes(data: bytes) -> None:
    refused = object()
    value: Any = refused
    # Any other exception fails the test.
    with contextlib.suppress(StrictJsonError):
        value = loads(data)
    assert value is refused or value == json.loads(data)


@given(VALUES, VALUES)
def test_finds_a_key_twice_whatever_its_values(one: Any, other: Any) -> None:
    data = b'{"k":' + orjson.dumps(one) + b',"k":' + orjson.dumps(other) + b"}"

    with pytest.raises(StrictJsonError):
        loads(data)
