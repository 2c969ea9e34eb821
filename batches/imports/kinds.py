"""Pure: what kind of file this is, by its beginning; other kinds are named too.

The first lines decide, not the name: customers upload what they have.
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from batches.manifest.lines import LINE_BYTES_MAX
from batchrouter.kit import strict_json

HEAD_BYTES: Final = 2 * LINE_BYTES_MAX
# A JSON document cannot be read line by line; a page of usage is far smaller.
DOCUMENT_BYTES_MAX: Final = 16 << 20
_LINES_TRIED: Final = 20
_DEPTH_MAX: Final = 64
_SNIFFED: Final = 4096
_DELIMITERS: Final = (",", "\t", ";")


class Kind(StrEnum):
    """A kind of file that can be imported."""

    OPENAI_BATCH_OUTPUT = "openai_batch_output"
    OPENAI_BATCH_INPUT = "openai_batch_input"
    OPENAI_USAGE_CSV = "openai_usage_csv"
    OPENAI_USAGE_JSON = "openai_usage_json"
    ANTHROPIC_BATCH_RESULTS = "anthropic_batch_results"
    ANTHROPIC_USAGE_CSV = "anthropic_usage_csv"
    ANTHROPIC_USAGE_JSON = "anthropic_usage_json"


# What people call it.
TITLES: Final[dict[str, str]] = {
    Kind.OPENAI_BATCH_OUTPUT: "an OpenAI batch output or error file",
    Kind.OPENAI_BATCH_INPUT: "an OpenAI batch input file",
    Kind.OPENAI_USAGE_CSV: "an OpenAI usage export (CSV)",
    Kind.OPENAI_USAGE_JSON: "an OpenAI usage export (JSON)",
    Kind.ANTHROPIC_BATCH_RESULTS: "an Anthropic message-batch results file",
    Kind.ANTHROPIC_USAGE_CSV: "an Anthropic usage export (CSV)",
    Kind.ANTHROPIC_USAGE_JSON: "an Anthropic usage report (JSON)",
    "openai_batch_object": "OpenAI batch objects, without the items",
    "openai_costs_export": "an OpenAI cost export, which has no tokens",
    "openai_fine_tuning": "a fine-tuning file",
    "anthropic_batch_requests": "an Anthropic batch's requests, without results",
    "anthropic_cost_export": "an Anthropic cost export, which has no token columns",
    "batchrouter_manifest": "a BatchRouter manifest",
    "batchrouter_results": "a BatchRouter results file",
    "empty": "an empty file",
    "archive": "a ZIP archive or a spreadsheet",
    "gzip": "a gzip-compressed file",
    "pdf": "a PDF",
    "image": "an image",
    "utf16": "UTF-16 text; save it as UTF-8",
    "binary": "a binary file",
    "html": "a web page or XML",
    "broken_json": "JSON that cannot be read",
    "unknown_json": "JSON of an unknown kind",
    "table": "a table with other columns",
    "text": "plain text",
}
PROVIDER_OF: Final = {kind: kind.value.partition("_")[0] for kind in Kind}
# Kinds whose file is one job of the customer.
JOB_KINDS: Final = frozenset({Kind.OPENAI_BATCH_OUTPUT, Kind.ANTHROPIC_BATCH_RESULTS})
EXPORT_KINDS: Final = frozenset(
    {
        Kind.OPENAI_USAGE_CSV,
        Kind.OPENAI_USAGE_JSON,
        Kind.ANTHROPIC_USAGE_CSV,
        Kind.ANTHROPIC_USAGE_JSON,
    }
)


@dataclass(frozen=True, slots=True)
class Sniffed:
    """What a file looks like.

    Attributes:
        looks_like: a key of :data:`TITLES`.
        is_document: one JSON value over many lines, to be read as a whole.
    """

    looks_like: str
    is_document: bool = False

    @property
    def kind(self) -> Kind | None:
        """The kind, where it is one that can be imported."""
        known = {str(kind): kind for kind in Kind}
        return known.get(self.looks_like)


_MAGIC: Final = (
    (b"PK", "archive"),
    (b"\x1f\x8b", "gzip"),
    (b"%PDF", "pdf"),
    (b"\x89PNG", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"\xff\xfe", "utf16"),
    (b"\xfe\xff", "utf16"),
)


def sniff(head: bytes, read_document: Callable[[], bytes | None]) -> Sniffed:
    """Say what a file looks like.

    Args:
        head: its first :data:`HEAD_BYTES`.
        read_document: returns the whole file, None where it is too large for a
            document; asked only where the first lines are no whole JSON values.
    """
    binary = _binary(head)
    if binary is not None:
        return Sniffed(binary)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        return Sniffed("empty")
    if text.startswith(b"<"):
        return Sniffed("html")
    if text[:1] not in b"{[":
        return Sniffed(_by_columns(columns_of(text.split(b"\n", 1)[0]) or []))
    for value in _values(text):
        return Sniffed(_by_keys(value), is_document=isinstance(value, list))
    return _document(read_document())


def _binary(head: bytes) -> str | None:
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    return "binary" if b"\0" in head[:_SNIFFED] else None


def _values(text: bytes) -> Iterator[Any]:
    """Yield the first lines that are JSON; those that are broken say nothing."""
    for line in text.split(b"\n")[:_LINES_TRIED]:
        try:
            value = strict_json.loads(line, max_depth=_DEPTH_MAX)
        except strict_json.StrictJsonError:
            continue
        if isinstance(value, dict | list) and value:
            yield value


def _document(data: bytes | None) -> Sniffed:
    if data is None:
        return Sniffed("broken_json")
    try:
        value = load_document(data)
    except strict_json.StrictJsonError:
        return Sniffed("broken_json")
    return Sniffed(_by_keys(value), is_document=True)


def load_document(data: bytes) -> Any:
    """Read a whole JSON file.

    Raises:
        StrictJsonError.
    """
    return strict_json.loads(data.removeprefix(b"\xef\xbb\xbf"), max_depth=_DEPTH_MAX)


def _by_keys(value: Any) -> str:
    found = value
    while isinstance(found, list) and found:
        found = found[0]
    if not isinstance(found, dict):
        return "unknown_json"
    return next(
        (name for name, fits in _SHAPES if fits(found)),
        "unknown_json",
    )


def _has(*names: str) -> Callable[[dict[str, Any]], bool]:
    return lambda found: all(name in found for name in names)


def _page_of(name: str) -> Callable[[dict[str, Any]], bool]:
    """Tell whether a page's or bucket's times are of this provider."""

    def fits(found: dict[str, Any]) -> bool:
        data = found.get("data")
        bucket = data[0] if isinstance(data, list) and data else found
        return isinstance(bucket, dict) and name in bucket and "results" in bucket

    return fits


def _costs(found: dict[str, Any]) -> bool:
    return "organization.costs.result" in str(found)[:_SNIFFED]


_SHAPES: Final = (
    ("batchrouter_manifest", _has("customer_item_id", "operation", "input")),
    ("batchrouter_results", _has("customer_item_id", "status")),
    (Kind.OPENAI_BATCH_INPUT, _has("custom_id", "url", "body")),
    (Kind.OPENAI_BATCH_OUTPUT, _has("custom_id", "response")),
    (Kind.OPENAI_BATCH_OUTPUT, _has("custom_id", "error")),
    (Kind.ANTHROPIC_BATCH_RESULTS, _has("custom_id", "result")),
    ("anthropic_batch_requests", _has("custom_id", "params")),
    ("anthropic_batch_requests", _has("requests")),
    ("openai_batch_object", _has("input_file_id", "completion_window")),
    ("openai_costs_export", _costs),
    (Kind.OPENAI_USAGE_JSON, _page_of("start_time")),
    (Kind.ANTHROPIC_USAGE_JSON, _page_of("starting_at")),
    ("openai_fine_tuning", _has("messages")),
)


def columns_of(line: bytes) -> list[str] | None:
    """Read the names of a table's columns; None where the line cannot be read."""
    cells = cells_of(line, delimiter_of(line))
    return None if cells is None else [cell.strip().lower() for cell in cells]


def delimiter_of(line: bytes) -> str:
    """Return what a table's cells are parted by."""
    return max(_DELIMITERS, key=lambda sign: line.count(sign.encode()))


def cells_of(line: bytes, delimiter: str) -> list[str] | None:
    """Read one row of a table; None where its quotes or its text are broken."""
    try:
        text = line.decode()
        rows = list(csv.reader([text], delimiter=delimiter, strict=True))
    except (UnicodeDecodeError, csv.Error):
        return None
    return rows[0] if rows else []


def _by_columns(columns: list[str]) -> str:
    names = frozenset(columns)
    if names >= {"start_time", "end_time", "model", "input_tokens"}:
        return Kind.OPENAI_USAGE_CSV
    if names >= {"usage_date_utc", "model_version", "usage_output_tokens"}:
        return Kind.ANTHROPIC_USAGE_CSV
    if "amount_value" in names:
        return "openai_costs_export"
    if names >= {"usage_date_utc", "cost_usd"}:
        return "anthropic_cost_export"
    return "table" if len(columns) > 1 else "text"
