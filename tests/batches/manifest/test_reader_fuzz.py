"""Whatever arrives, a manifest is either read or refused in the documented form."""

import tempfile
from pathlib import Path
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as some

from batches.manifest.problems import InvalidManifest
from batches.manifest.reader import ReadManifest
from tests.batches.manifest.helpers import PIXEL, item, reader

NAMES = some.sampled_from(
    [
        "customer_item_id",
        "operation",
        "model",
        "model_options",
        "input",
        "messages",
        "role",
        "content",
        "type",
        "text",
        "format",
        "schema",
        "image_url",
        "url",
        "tools",
        "function",
        "name",
        "tool_choice",
        "tool_calls",
        "verify",
        "json_schema",
        "regex",
        "stop",
        "$ref",
        "properties",
        "dimensions",
    ]
)
WORDS = some.sampled_from(
    [
        "responses",
        "embeddings",
        "vision",
        "gpt-5.4-mini",
        "user",
        "assistant",
        "tool",
        "text",
        "input_image",
        "image_url",
        "json_schema",
        "function",
        "function_call",
        "object",
        "#",
        "#/properties",
        "(a",
        PIXEL,
    ]
)
SCALARS = (
    some.none()
    | some.booleans()
    | some.integers(-(2**63), 2**64)
    | some.floats()
    | some.text(max_size=8)
    | WORDS
)
VALUES = some.recursive(
    SCALARS,
    lambda inner: (
        some.lists(inner, max_size=4)
        | some.dictionaries(NAMES | some.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=12,
)
ITEMS = some.builds(
    lambda fields: item() | fields, some.dictionaries(NAMES, VALUES, max_size=4)
)
INPUTS = some.builds(
    lambda body: item(input=body), some.dictionaries(NAMES, VALUES, max_size=4)
)


def attempt(chunks: list[bytes]) -> ReadManifest | InvalidManifest:
    with tempfile.TemporaryDirectory() as folder, reader(Path(folder)) as opened:
        try:
            return opened.read(chunks)
        except InvalidManifest as refusal:
            return refusal


def check(result: ReadManifest | InvalidManifest) -> None:
    if isinstance(result, ReadManifest):
        assert result.item_count == sum(group.item_count for group in result.groups)
        return
    errors = result.details["errors"]
    assert 1 <= len(errors) <= 100
    assert len(errors) <= result.details["error_count"]
    # What is refused must be sayable in an answer.
    orjson.dumps(errors)


@settings(max_examples=100, deadline=None)
@given(some.lists(some.binary(max_size=60), max_size=8))
def test_answers_any_bytes(chunks: list[bytes]) -> None:
    check(attempt(chunks))


@settings(max_examples=100, deadline=None)
@given(some.lists(ITEMS | INPUTS, min_size=1, max_size=4))
def test_answers_any_items(items: list[Any]) -> None:
    rows = []
    for number, found in enumerate(items):
        try:
            rows.append(orjson.dumps(found | {"customer_item_id": f"i{number}"}))
        except TypeError:
            # Text that is not Unicode cannot be sent.
            continue
    check(attempt([b"\n".join(rows)]))


@settings(max_examples=100, deadline=None)
@given(some.lists(ITEMS | INPUTS | VALUES, max_size=4))
def test_answers_any_inline_items(items: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder, reader(Path(folder)) as opened:
        try:
            check(opened.read_inline(items))
        except InvalidManifest as refusal:
            check(refusal)
