"""Result rows for the eye. Their text comes from models and is trusted by nobody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from batchrouter.kit.money import parse_usd

# What a cell shows at once, and what it shows unfolded; the file has the rest.
_PREVIEW_CHARS = 160
_TEXT_CHARS_MAX = 4000
_VECTOR_SHOWN = 4


@dataclass(frozen=True, slots=True)
class RowLine:
    """One item's result."""

    seq: int
    customer_item_id: str
    status: str
    lane: str
    model: str
    kind: str
    preview: str
    text: str
    is_long: bool
    is_cut: bool
    problem: str
    input_tokens: int
    output_tokens: int
    charge_nanousd: int
    attempts: int


@dataclass(frozen=True, slots=True)
class RowPage:
    """Rows in the order of the input; ``next_after`` is None on the last page."""

    rows: tuple[RowLine, ...]
    next_after: int | None


def row_lines(found: Sequence[tuple[int, bytes]], *, limit: int) -> RowPage:
    """Show a page of rows.

    Args:
        found: number and JSON of the rows, one more than the page where there are more.
        limit: rows of the page.
    """
    shown = found[:limit]
    next_after = shown[-1][0] if len(found) > limit else None
    return RowPage(tuple(_row(orjson.loads(row)) for _, row in shown), next_after)


def _row(row: Mapping[str, Any]) -> RowLine:
    kind, text = _answer(row["output"])
    text, is_cut = text[:_TEXT_CHARS_MAX], len(text) > _TEXT_CHARS_MAX
    preview = " ".join(text[: _PREVIEW_CHARS + 1].split())
    is_long = len(text) > _PREVIEW_CHARS or "\n" in text.strip()
    usage = row["usage"]
    return RowLine(
        seq=row["sequence_no"],
        customer_item_id=row["customer_item_id"],
        status=row["status"],
        lane=row["lane"] or "",
        model=row["model"] or "",
        kind=kind,
        preview=preview[:_PREVIEW_CHARS] + "…" if is_long else preview,
        text=text,
        is_long=is_long,
        is_cut=is_cut,
        problem=_problem(row),
        input_tokens=usage["input_tokens"],
        output_tokens=usage["output_tokens"],
        charge_nanousd=parse_usd(row["cost"]["charge"]),
        attempts=row["attempts"],
    )


def _answer(output: Mapping[str, Any] | None) -> tuple[str, str]:
    """Return what kind of answer it is, and its text."""
    if output is None:
        return "", ""
    if output.get("text"):
        return "", str(output["text"])
    if output.get("refusal"):
        return "refusal", str(output["refusal"])
    if output.get("tool_calls"):
        return "tool calls", orjson.dumps(output["tool_calls"]).decode()
    if output.get("embedding"):
        return "vector", _vector(output["embedding"])
    return "", ""


def _vector(embedding: list[Any]) -> str:
    first = embedding[0]
    if isinstance(first, list):
        return f"{len(embedding)} vectors of {len(first)} numbers"
    shown = ", ".join(f"{number:.4g}" for number in embedding[:_VECTOR_SHOWN])
    return f"{len(embedding)} numbers: {shown}, …"


def _problem(row: Mapping[str, Any]) -> str:
    """Say why there is no answer, or which check the answer failed."""
    error = row["error"]
    if error is not None:
        return f"{error['code']}: {error['message']}"
    failed = [
        f"{check['name']}: {check['message']}"
        for check in (row["verification"] or {}).get("checks", ())
        if not check["passed"]
    ]
    return "; ".join(failed)
