"""A statement as it is printed: all amounts with nine places, so that they add up."""

from dataclasses import dataclass
from datetime import datetime

from billing.statement_csv import exact
from billing.statements import Holding, KindSum, Statement, StatementLine


@dataclass(frozen=True, slots=True)
class HoldingView:
    """What there was at an instant."""

    available: str
    reserved: str
    total: str


@dataclass(frozen=True, slots=True)
class SumView:
    """All entries of a kind."""

    kind: str
    count: int
    available_change: str
    reserved_change: str
    charged: str


@dataclass(frozen=True, slots=True)
class StatementView:
    """A month."""

    month: str
    entry_count: int
    opening: HoldingView
    closing: HoldingView
    sums: tuple[SumView, ...]


@dataclass(frozen=True, slots=True)
class LineView:
    """One entry."""

    public_id: str
    kind: str
    purpose: str
    reason: str
    created_at: datetime
    available_change: str
    reserved_change: str
    charged: str
    total_after: str


def statement_view(found: Statement) -> StatementView:
    """Show a month's balances and sums."""
    return StatementView(
        month=str(found.head.month),
        entry_count=found.head.entry_count,
        opening=_holding(found.head.opening),
        closing=_holding(found.head.closing),
        sums=tuple(_sum(kind) for kind in found.sums),
    )


def line_view(line: StatementLine) -> LineView:
    """Show one entry and what there was after it."""
    return LineView(
        public_id=line.public_id,
        kind=_words(line.kind),
        purpose=line.purpose,
        reason=line.reason,
        created_at=line.created_at,
        available_change=_change(line.change.available_nanousd),
        reserved_change=_change(line.change.reserved_nanousd),
        charged=_change(line.usage_nanousd + line.fee_nanousd),
        total_after=exact(line.after.total_nanousd),
    )


def _sum(kind: KindSum) -> SumView:
    return SumView(
        kind=_words(kind.kind),
        count=kind.count,
        available_change=_change(kind.change.available_nanousd),
        reserved_change=_change(kind.change.reserved_nanousd),
        charged=_change(kind.usage_nanousd + kind.fee_nanousd),
    )


def _holding(held: Holding) -> HoldingView:
    return HoldingView(
        available=exact(held.available_nanousd),
        reserved=exact(held.reserved_nanousd),
        total=exact(held.total_nanousd),
    )


def _words(kind: str) -> str:
    return kind.replace("_", " ").capitalize()


def _change(nanousd: int) -> str:
    return exact(nanousd).replace("-", "\N{MINUS SIGN}") if nanousd else ""
