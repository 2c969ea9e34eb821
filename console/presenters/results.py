"""Result rows in a list. Their text comes from models and is trusted by nobody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from batches.states import RowStatus
from batchrouter.kit.money import parse_usd
from console.presenters.legible import legible, preview_of

_VECTOR_SHOWN = 4
_UNFINISHED = (RowStatus.FAILED, RowStatus.EXPIRED, RowStatus.CANCELED)


@dataclass(frozen=True, slots=True)
class RowLine:
    """One item's result.

    Attributes:
        kind: what the answer is where it is no text.
        problem: why there is no answer, or which check the answer failed.
        retry: the number of the retry that the row is from; 0 for the batch itself.
        is_unfinished: a retry may run its item again.
    """

    seq: int
    customer_item_id: str
    name: str
    status: str
    lane: str
    model: str
    kind: str
    preview: str
    problem: str
    input_tokens: int
    output_tokens: int
    charge_nanousd: int
    attempts: int
    retry: int
    is_unfinished: bool


def row_lines(found: Sequence[tuple[int, bytes]]) -> tuple[RowLine, ...]:
    """Show a page of rows, each given as its number and its JSON."""
    return tuple(_row(orjson.loads(row)) for _, row in found)


def _row(row: Mapping[str, Any]) -> RowLine:
    kind, text = answer_of(row["output"])
    usage = row["usage"]
    attempt = row.get("attempt")
    return RowLine(
        seq=row["sequence_no"],
        customer_item_id=row["customer_item_id"],
        name=legible(row["customer_item_id"]),
        status=row["status"],
        lane=row["lane"] or "",
        model=row["model"] or "",
        kind=kind,
        preview=preview_of(text),
        problem=legible(_problem(row)),
        input_tokens=usage["input_tokens"],
        output_tokens=usage["output_tokens"],
        charge_nanousd=parse_usd(row["cost"]["charge"]),
        attempts=row["attempts"],
        retry=attempt["number"] - 1 if attempt else 0,
        is_unfinished=row["status"] in _UNFINISHED,
    )


def answer_of(output: Mapping[str, Any] | None) -> tuple[str, str]:
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
        return "vector", vector_words(output["embedding"])
    return "", ""


def vector_words(embedding: Sequence[Any]) -> str:
    """Describe a vector, or several, by its length and its first numbers."""
    first = embedding[0]
    if isinstance(first, list):
        return f"{len(embedding)} vectors of {len(first)} numbers"
    shown = ", ".join(f"{number:.4g}" for number in embedding[:_VECTOR_SHOWN])
    return f"{len(embedding)} numbers: {shown}, …"


def _problem(row: Mapping[str, Any]) -> str:
    error = row["error"]
    if error is not None:
        return f"{error['code']}: {error['message']}"
    failed = [
        f"{check['name']}: {check['message']}"
        for check in (row["verification"] or {}).get("checks", ())
        if not check["passed"]
    ]
    return "; ".join(failed)
