"""One item of a batch as its page shows it. Texts are trusted by nobody."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from batches.following import Attempt
from batches.models import Batch, ItemVerdict, ResultRow
from batches.row_detail import RowDetail
from batches.states import RowStatus
from batches.telling import sentence
from batchrouter.kit import ids
from console.presenters.legible import Text, json_of, legible, text_of
from console.presenters.results import vector_words

_DELIVERED = (RowStatus.COMPLETED, RowStatus.REVIEW)
_NOT_ASKED = ("customer_item_id", "golden")


@dataclass(frozen=True, slots=True)
class Part:
    """A named piece of what was asked or answered."""

    id: str
    name: str
    text: Text


@dataclass(frozen=True, slots=True)
class CheckLine:
    """A check of the answer and what it found."""

    name: str
    passed: bool
    message: str


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run that had the item in hand.

    Attributes:
        retry_id: the public id of the retry it was part of; empty for the batch's own.
        made_the_row: its answer is the one that counts.
    """

    lane: str
    model: str
    started_at: datetime
    ended_at: datetime | None
    outcome: str
    retry_id: str
    made_the_row: bool
    is_lost: bool
    latency: timedelta | None
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of a row last."""

    verdict: str
    reason: str
    correction: Text | None
    at: datetime


@dataclass(frozen=True, slots=True)
class RowView:
    """An item, its row, and the way there.

    Attributes:
        status: ``open`` where there is no row yet.
        asked, answered: None where the content was deleted or is not there.
        answer: the answer as plain text, where it is one.
        latency: from asking to the answer, of the run that answered.
        retry_id: the public id of the retry that the row is from.
        may_be_judged: the answer was delivered.
    """

    seq: int
    customer_item_id: str
    name: str
    item_id: str
    status: str
    operation: str
    model: str
    lane: str
    provider_model: str
    attempts: int
    asked: tuple[Part, ...] | None
    answered: tuple[Part, ...] | None
    answer: str
    problem: str
    checks: tuple[CheckLine, ...]
    notes: tuple[str, ...]
    dropped: tuple[str, ...]
    usage: tuple[tuple[str, int], ...]
    usage_source: str
    charge_nanousd: int | None
    completed_at: datetime | None
    latency: timedelta | None
    runs: tuple[RunLine, ...]
    said: Said | None
    retry_id: str
    may_be_judged: bool
    is_unfinished: bool
    previous_seq: int | None
    next_seq: int | None


def row_view(batch: Batch, detail: RowDetail) -> RowView:
    """Show an item of a batch."""
    row, index = detail.row or {}, detail.index
    status = "open" if index is None else index.status
    return RowView(
        seq=detail.item.seq,
        customer_item_id=detail.item.customer_item_id,
        name=legible(detail.item.customer_item_id),
        item_id=ids.item_id(batch.public_id, detail.item.seq),
        status=status,
        operation=row.get("operation") or (detail.line or {}).get("operation", ""),
        model=row.get("model") or "",
        lane=row.get("lane") or "",
        provider_model=legible(row.get("provider_model") or ""),
        attempts=0 if index is None else index.attempts,
        asked=None if detail.line is None else _asked(detail.line),
        answered=None if detail.row is None else _answered(row["output"]),
        answer=_answer(row.get("output")),
        problem=_problem(row, index),
        checks=_checks(row),
        notes=_notes(detail, row),
        dropped=tuple(row.get("dropped_fields") or ()),
        usage=_usage(index),
        usage_source=(row.get("usage") or {}).get("source", ""),
        charge_nanousd=None if index is None else index.charge_nanousd,
        completed_at=None if index is None else index.completed_at,
        latency=_latency(row),
        runs=tuple(_run(run, batch, row, index) for run in detail.runs),
        said=None if detail.verdict is None else _said(detail.verdict),
        retry_id="" if detail.from_id == batch.public_id else detail.from_id,
        may_be_judged=status in _DELIVERED,
        is_unfinished=index is not None and status not in _DELIVERED,
        previous_seq=detail.previous_seq,
        next_seq=detail.next_seq,
    )


def _asked(line: Mapping[str, Any]) -> tuple[Part, ...]:
    """Return what was asked: the words of the conversation, then all other wishes."""
    rest = {name: value for name, value in line.items() if name not in _NOT_ASKED}
    asked = rest.pop("input", None)
    whole = dict(asked) if isinstance(asked, dict) else {"input": asked}
    words: list[tuple[str, str]] = []
    for name in ("instructions", "system", "input", "messages"):
        said = _words(name, whole.get(name))
        if said is not None:
            words += said
            whole.pop(name)
    if whole:
        rest["input"] = whole
    parts = [
        Part(f"asked-{number}", name, text_of(said))
        for number, (name, said) in enumerate(words)
    ]
    return (*parts, Part("asked-settings", "Settings", json_of(rest)))


def _words(name: str, said: Any) -> list[tuple[str, str]] | None:
    """Return a field's words by who says them; None where it holds more than words."""
    if isinstance(said, str):
        return [("prompt" if name == "input" else name, said)]
    if not isinstance(said, list) or not said:
        return None
    turns = [_turn(one) for one in said]
    return None if None in turns else [turn for turn in turns if turn is not None]


def _turn(one: Any) -> tuple[str, str] | None:
    if isinstance(one, str):
        return ("text", one)
    if not isinstance(one, dict) or one.keys() - {"role", "content", "type"}:
        return None
    content = one.get("content")
    return (str(one.get("role", "text")), content) if isinstance(content, str) else None


def _answered(output: Mapping[str, Any] | None) -> tuple[Part, ...]:
    if output is None:
        return ()
    parts = []
    if output.get("json") is not None:
        parts.append(Part("answer-json", "JSON", json_of(output["json"])))
    if output.get("text"):
        parts.append(Part("answer-text", "Text", text_of(output["text"])))
    if output.get("refusal"):
        parts.append(Part("answer-refusal", "Refusal", text_of(output["refusal"])))
    if output.get("tool_calls"):
        calls = [_with_arguments(call) for call in output["tool_calls"]]
        parts.append(Part("answer-calls", "Tool calls", json_of(calls)))
    if output.get("embedding"):
        words = text_of(vector_words(output["embedding"]))
        parts.append(Part("answer-vector", "Vector", words))
    return tuple(parts)


def _with_arguments(call: Any) -> Any:
    """Return a tool call whose arguments are read, where they are JSON in a text."""
    if not isinstance(call, dict):
        return call
    shown = dict(call)
    for name, value in call.items():
        if name == "function":
            shown[name] = _with_arguments(value)
        elif name == "arguments" and isinstance(value, str):
            try:
                shown[name] = orjson.loads(value)
            except orjson.JSONDecodeError:
                shown[name] = value
    return shown


def _answer(output: Mapping[str, Any] | None) -> str:
    return str((output or {}).get("text") or "")


def _problem(row: Mapping[str, Any], index: ResultRow | None) -> str:
    error = row.get("error")
    if error is not None:
        return legible(f"{error['code']}: {error['message']}")
    return "" if index is None else index.error_code


def _checks(row: Mapping[str, Any]) -> tuple[CheckLine, ...]:
    checks = (row.get("verification") or {}).get("checks", ())
    return tuple(
        CheckLine(check["name"], check["passed"], legible(check["message"]))
        for check in checks
    )


def _notes(detail: RowDetail, row: Mapping[str, Any]) -> tuple[str, ...]:
    notes = []
    if row.get("repaired"):
        notes.append(
            "The answer's JSON was repaired: the text shown is not the provider's own, "
            "which is in the output file."
        )
    if row.get("preview"):
        notes.append("This is a sample: only the beginning of the answer is kept.")
    if row.get("golden") is not None:
        told = {True: "It gave the known answer.", False: "It missed the known answer."}
        right = told.get(row["golden"]["right"], "It was not scored.")
        notes.append(f"A golden item: scored, never charged. {right}")
    if detail.item.copy_of is not None:
        notes.append(
            f"The item is identical to no. {detail.item.copy_of}; where identical "
            "items run once, it has that one's answer."
        )
    return tuple(notes)


def _usage(index: ResultRow | None) -> tuple[tuple[str, int], ...]:
    if index is None:
        return ()
    return (
        ("Input", index.input_tokens),
        ("of it cached", index.cached_tokens),
        ("Output", index.output_tokens),
        ("of it reasoning", index.reasoning_tokens),
    )


def _latency(row: Mapping[str, Any]) -> timedelta | None:
    if not row or row["lane"] is None:
        return None
    began = datetime.fromisoformat(row["started_at"])
    return datetime.fromisoformat(row["completed_at"]) - began


def _run(
    run: Attempt, batch: Batch, row: Mapping[str, Any], index: ResultRow | None
) -> RunLine:
    execution = run.execution
    is_best = index is not None and index.batch_id == execution.batch_id
    made = index if run.is_where_the_row_is_from and is_best else None
    retry_id = execution.batch.public_id
    return RunLine(
        lane=f"{execution.provider}:{execution.mode}",
        model=execution.model,
        started_at=execution.started_at,
        ended_at=execution.ended_at,
        outcome=_outcome(run),
        retry_id="" if retry_id == batch.public_id else retry_id,
        made_the_row=made is not None,
        is_lost=run.is_lost,
        latency=None if made is None else _latency(row),
        input_tokens=0 if made is None else made.input_tokens,
        output_tokens=0 if made is None else made.output_tokens,
    )


def _outcome(run: Attempt) -> str:
    execution = run.execution
    if run.is_lost:
        return "The call may have been made; nobody has its answer."
    if run.is_where_the_row_is_from:
        return "This run made the row."
    told = [sentence(kind) or kind for kind in sorted(execution.failures)]
    told += [sentence(execution.outcome) or execution.outcome]
    return " ".join(part for part in told if part) or execution.state


def _said(verdict: ItemVerdict) -> Said:
    correction = verdict.correction
    if correction is None:
        shown = None
    elif isinstance(correction, str):
        shown = text_of(correction)
    else:
        shown = json_of(correction)
    return Said(
        verdict=verdict.verdict,
        reason=legible(verdict.reason),
        correction=shown,
        at=verdict.feedback.created_at,
    )
