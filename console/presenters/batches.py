"""A batch as its pages show it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from batches.golden_scores import golden_json
from batches.links import signed_url
from batches.models import Batch, BatchEvent, StoredFile
from batches.progress import progress_json
from batches.rendering import PHASES
from batches.states import BATCH_TERMINAL, BatchState
from batchrouter.kit.money import parse_usd
from console.boards import Board

_ARTIFACTS = (
    ("Input", "The manifest as it was sent"),
    ("Output", "Rows with an answer"),
    ("Review", "Answers that want a person's eye"),
    ("Errors", "Rows without an answer, and why"),
    ("Retry", "Input lines of those rows, ready to be sent again"),
    ("Golden", "Rows of golden items, left out of the output"),
    ("Route receipt", "How the batch was routed, signed"),
)
_LANES_SHOWN = 12


@dataclass(frozen=True, slots=True)
class BatchLine:
    """A batch in a list."""

    public_id: str
    state: str
    item_count: int
    done: int
    percent: int
    quoted_nanousd: int
    charged_nanousd: int | None
    created_at: datetime
    completed_at: datetime | None
    is_open: bool


def batch_line(batch: Batch, done_items: Mapping[int, int]) -> BatchLine:
    """Show a batch in a list."""
    is_open = batch.state not in BATCH_TERMINAL
    done = done_items.get(batch.pk, 0) if is_open else batch.item_count
    return BatchLine(
        public_id=batch.public_id,
        state=batch.state,
        item_count=batch.item_count,
        done=done,
        percent=100 * done // batch.item_count,
        quoted_nanousd=batch.quote.total_nanousd,
        charged_nanousd=batch.charged_nanousd,
        created_at=batch.created_at,
        completed_at=batch.completed_at,
        is_open=is_open,
    )


@dataclass(frozen=True, slots=True)
class UnitLine:
    """A work unit on its present lane."""

    public_id: str
    state: str
    items: str
    item_count: int
    done: int
    lane: str
    model: str
    is_fallback: bool
    next_action_at: datetime | None


@dataclass(frozen=True, slots=True)
class Live:
    """What moves while a batch runs."""

    public_id: str
    state: str
    phase: str
    is_open: bool
    is_canceling: bool
    percent: int
    done: int
    total: int
    counts: tuple[tuple[str, int], ...]
    review_count: int
    charged_nanousd: int
    eta_low: timedelta | None
    eta_high: timedelta | None
    stall_reason: str | None
    units: tuple[UnitLine, ...]
    has_more_units: bool
    delivered: tuple[tuple[str, int], ...]
    fallbacks: int
    retries: int


def live(board: Board, *, now: datetime) -> Live:
    """Show what moves, as it is at this instant."""
    batch, counts = board.batch, board.standing.progress.counts()
    progress = progress_json(batch, board.standing, now=now)
    stall = progress["stall"]
    is_open = batch.state not in BATCH_TERMINAL
    ended = ("completed", "failed", "canceled", "expired")
    return Live(
        public_id=batch.public_id,
        state=batch.state,
        phase=PHASES[BatchState(batch.state)],
        is_open=is_open,
        is_canceling=is_open and batch.cancel_requested_at is not None,
        percent=int(progress["percent"]),
        done=sum(counts[name] for name in ended),
        total=counts["total"],
        counts=tuple((name, counts[name]) for name in ("pending", "running", *ended)),
        review_count=board.review_count,
        charged_nanousd=board.charged_nanousd,
        eta_low=_span(progress["eta_low"], now),
        eta_high=_span(progress["eta_high"], now),
        stall_reason=None if stall is None else stall["reason"],
        units=tuple(_unit(unit) for unit in board.units),
        has_more_units=board.has_more_units,
        delivered=board.delivered,
        fallbacks=board.fallbacks,
        retries=board.retries,
    )


def _span(instant: str | None, now: datetime) -> timedelta | None:
    """Return what is left until an instant; None within the last second."""
    if instant is None:
        return None
    span = datetime.fromisoformat(instant) - now
    return span if span >= timedelta(seconds=1) else None


def _unit(unit: Mapping[str, Any]) -> UnitLine:
    waits = unit["state"] in {"ready", "waiting"}
    at = datetime.fromisoformat(unit["next_action_at"])
    return UnitLine(
        public_id=unit["id"],
        state=unit["state"],
        items=f"{unit['seq_from']}\N{EN DASH}{unit['seq_to']}",
        item_count=unit["item_count"],
        done=unit["done"],
        lane=f"{unit['provider']}:{unit['mode']}",
        model=unit["model"],
        is_fallback=unit["stage"] > 0,
        next_action_at=at if waits else None,
    )


@dataclass(frozen=True, slots=True)
class GoldenLine:
    """How often a lane gave the known answers; the share is of those scored."""

    lane: str
    model: str
    scored: int
    right: int
    percent: int


@dataclass(frozen=True, slots=True)
class Golden:
    """The golden items of a batch and what became of them."""

    items: int
    scored: int
    right: int
    percent: int
    lanes: tuple[GoldenLine, ...]


def golden(batch: Batch) -> Golden | None:
    """Show the scores of a batch; None for one without golden items."""
    found = golden_json(batch)
    if found is None:
        return None
    return Golden(
        items=found["items"],
        scored=found["scored"],
        right=found["right"],
        percent=_percent(found),
        lanes=tuple(
            GoldenLine(
                lane=f"{lane['provider']}:{lane['mode']}",
                model=lane["model"],
                scored=lane["scored"],
                right=lane["right"],
                percent=_percent(lane),
            )
            for lane in found["lanes"]
        ),
    )


def _percent(scores: Mapping[str, int]) -> int:
    return 100 * scores["right"] // scores["scored"] if scores["scored"] else 0


@dataclass(frozen=True, slots=True)
class LaneLine:
    """A judged lane of the quote."""

    model: str
    lane: str
    is_selected: bool
    is_refused: bool
    reason: str
    ceiling_nanousd: int | None
    finish: timedelta | None


def lanes(batch: Batch) -> tuple[LaneLine, ...]:
    """Show how the quote judged its lanes, the selected ones first."""
    judged = sorted(batch.quote.reply["lanes"], key=lambda lane: not lane["selected"])
    return tuple(_lane(lane) for lane in judged[:_LANES_SHOWN])


def _lane(lane: Mapping[str, Any]) -> LaneLine:
    ceiling, seconds = lane.get("ceiling"), lane.get("finish_seconds")
    return LaneLine(
        model=lane["model"],
        lane=f"{lane['provider']}:{lane['mode']}",
        is_selected=lane["selected"],
        is_refused=lane["rejection_code"] is not None,
        reason=lane["reason"],
        ceiling_nanousd=None if ceiling is None else parse_usd(ceiling["amount"]),
        finish=None if seconds is None else timedelta(seconds=seconds),
    )


@dataclass(frozen=True, slots=True)
class Facts:
    """What does not move: the order and its money.

    Attributes:
        parent_id: the batch whose items it runs again; empty where it is no retry.
        is_deleted: its content is gone.
    """

    parent_id: str
    is_sample: bool
    is_deleted: bool
    quote_id: str
    quoted_nanousd: int
    charged_nanousd: int | None
    released_nanousd: int | None
    created_at: datetime
    deadline_at: datetime
    completed_at: datetime | None
    terminal_reason: str
    sla_tier: str
    routing_mode: str
    privacy_tier: str
    regions: str
    route_version: str


def facts(batch: Batch, released_nanousd: int | None) -> Facts:
    """Show the order."""
    spec = batch.quote.spec
    return Facts(
        parent_id="" if batch.parent is None else batch.parent.public_id,
        is_sample=batch.is_sample,
        is_deleted=batch.content_deleted_at is not None,
        quote_id=batch.quote.public_id,
        quoted_nanousd=batch.quote.total_nanousd,
        charged_nanousd=batch.charged_nanousd,
        released_nanousd=released_nanousd,
        created_at=batch.created_at,
        deadline_at=batch.deadline_at,
        completed_at=batch.completed_at,
        terminal_reason=batch.terminal_reason.replace("_", " "),
        sla_tier=spec["sla_tier"],
        routing_mode=spec["routing_mode"],
        privacy_tier=spec["privacy_tier"],
        regions=", ".join(spec["allowed_regions"]),
        route_version=batch.quote.route_version_id,
    )


@dataclass(frozen=True, slots=True)
class ArtifactLine:
    """A file of the batch with a link that opens it for some minutes."""

    name: str
    what: str
    size_bytes: int
    line_count: int
    sha256: str
    url: str


def artifacts(batch: Batch, *, now: datetime) -> tuple[ArtifactLine, ...]:
    """Show the files that exist."""
    files: tuple[StoredFile | None, ...] = (
        batch.manifest.file,
        batch.output_file,
        batch.review_file,
        batch.error_file,
        batch.retry_file,
        batch.golden_file,
        batch.route_receipt_file,
    )
    return tuple(
        ArtifactLine(
            name=name,
            what=what,
            size_bytes=file.size_bytes,
            line_count=file.line_count,
            sha256=file.sha256,
            url=signed_url(file, now=now),
        )
        for (name, what), file in zip(_ARTIFACTS, files, strict=True)
        if file is not None and file.deleted_at is None
    )


@dataclass(frozen=True, slots=True)
class EventLine:
    """One line of the timeline."""

    name: str
    details: tuple[tuple[str, str], ...]
    created_at: datetime


def timeline(events: Iterable[BatchEvent]) -> tuple[EventLine, ...]:
    """Show what happened, in order."""
    return tuple(
        EventLine(
            name=event.kind.partition(".")[2].replace("_", " ") or event.kind,
            details=tuple(
                (name.replace("_", " "), str(value))
                for name, value in event.data.items()
                if isinstance(value, str | int)
            ),
            created_at=event.created_at,
        )
        for event in events
    )
