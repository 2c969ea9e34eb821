"""Items, lines and readers for these tests."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from batches.manifest.items import ItemFacts, check_item
from batches.manifest.problems import InvalidManifest, OnInvalid
from batches.manifest.reader import ManifestReader, ReadManifest
from batchrouter.kit.storage import Store

Json = dict[str, Any]

KNOWN = frozenset({"gpt-5.4-mini", "gpt-5.4", "text-embedding-3-small"})
PIXEL = "data:image/png;base64,iVBORw0KGgo="


def item(**fields: Any) -> Json:
    """Return a plain item; fields given as None are left out."""
    found = {
        "customer_item_id": "a",
        "operation": "responses",
        "model": "gpt-5.4-mini",
        "input": "Say hello.",
    } | fields
    return {name: value for name, value in found.items() if value is not None}


def chat(*messages: Json, **options: Any) -> Json:
    """Return an item in the chat form."""
    return item(input={"messages": list(messages), **options})


def asking(**options: Any) -> Json:
    """Return an item in the Responses form with options beside its input."""
    return item(input={"input": "Say hello.", **options})


def vision(*parts: Any) -> Json:
    """Return a vision item whose user sends these parts."""
    message = {"role": "user", "content": list(parts)}
    return item(operation="vision", input={"input": [message]})


def facts(found: Any) -> ItemFacts:
    """Check an item that must be accepted."""
    result = check_item(found)
    assert isinstance(result, ItemFacts), result
    return result


def problems(found: Any) -> list[tuple[str, str]]:
    """Check an item that must be refused; return field and code of each problem."""
    result = check_item(found)
    assert isinstance(result, list)
    return [(problem.field, problem.code) for problem in result]


def lines(items: Iterable[Any]) -> bytes:
    """Write items as a file."""
    return b"".join(orjson.dumps(found) + b"\n" for found in items)


def reader(folder: Path, on_invalid: OnInvalid = "reject") -> ManifestReader:
    """Open a reader on a store of its own."""
    return ManifestReader(Store(folder), known_models=KNOWN, on_invalid=on_invalid)


def read(folder: Path, data: bytes, on_invalid: OnInvalid = "reject") -> ReadManifest:
    """Read a file that must be accepted; its spool is gone afterwards."""
    with reader(folder, on_invalid) as opened:
        return opened.read([data])


def refused(
    folder: Path, data: bytes | Iterator[bytes], on_invalid: OnInvalid = "reject"
) -> InvalidManifest:
    """Read a file that must be refused."""
    chunks = [data] if isinstance(data, bytes) else data
    with (
        reader(folder, on_invalid) as opened,
        pytest.raises(InvalidManifest) as caught,
    ):
        opened.read(chunks)
    return caught.value


def places(refusal: InvalidManifest) -> list[tuple[int | None, str, str]]:
    """Return line, field and code of each listed problem."""
    return [
        (error["line"], error["field"], error["code"])
        for error in refusal.details["errors"]
    ]
