"""Money as the billing page shows it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from batchrouter.kit.money import MoneyJSON, parse_usd
from billing.models import (
    CreditPack,
    Grant,
    LedgerTransaction,
    Reservation,
    ReservationState,
    TopUp,
)
from billing.rendering import ledger_json

_BATCH = "batch:"


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """What one transaction did to the organization's credits."""

    public_id: str
    kind: str
    batch_id: str | None
    purpose: str
    reason: str
    available_change_nanousd: int
    reserved_change_nanousd: int
    charged_nanousd: int
    created_at: datetime


def ledger_line(entry: LedgerTransaction) -> LedgerLine:
    """Show a transaction, as the API explains it."""
    body = ledger_json(entry)
    usage, fee = _nano(body["usage_charged"]), _nano(body["service_fee_charged"])
    return LedgerLine(
        public_id=entry.public_id,
        kind=entry.kind.replace("_", " "),
        batch_id=batch_id_of(entry.purpose),
        purpose=entry.purpose,
        reason=entry.reason,
        available_change_nanousd=_nano(body["available_change"]),
        reserved_change_nanousd=_nano(body["reserved_change"]),
        charged_nanousd=usage + fee,
        created_at=entry.created_at,
    )


def _nano(amount: MoneyJSON | dict[str, Any]) -> int:
    text = str(amount["amount"])
    size = parse_usd(text.removeprefix("-"))
    return -size if text.startswith("-") else size


@dataclass(frozen=True, slots=True)
class ReservationLine:
    """What is or was held, for what and why."""

    public_id: str
    state: str
    batch_id: str | None
    purpose: str
    reason: str
    amount_nanousd: int
    settled_nanousd: int | None
    released_nanousd: int | None
    created_at: datetime
    ended_at: datetime | None
    expires_at: datetime


def reservation_line(held: Reservation) -> ReservationLine:
    """Show a reservation; an open one has settled and released nothing yet."""
    is_closed = held.state == ReservationState.CLOSED
    return ReservationLine(
        public_id=held.public_id,
        state=held.state,
        batch_id=batch_id_of(held.purpose),
        purpose=held.purpose,
        reason=held.reason,
        amount_nanousd=held.amount_nanousd,
        settled_nanousd=held.settled_nanousd if is_closed else None,
        released_nanousd=held.released_nanousd if is_closed else None,
        created_at=held.created_at,
        ended_at=held.state_at if is_closed else None,
        expires_at=held.expires_at,
    )


def batch_id_of(purpose: str) -> str | None:
    """Return the batch that a purpose names, if it names one."""
    found = purpose.removeprefix(_BATCH)
    is_batch = purpose.startswith(_BATCH) and len(found) == 32
    return found if is_batch and found.startswith("batch_") else None


@dataclass(frozen=True, slots=True)
class PromotionalLine:
    """What is left of a promotional grant."""

    left_nanousd: int
    expires_at: datetime | None
    reason: str


def promotional_lines(grants: Iterable[Grant]) -> list[PromotionalLine]:
    """Show grants in the order they are spent; read them with their accounts."""
    return [
        PromotionalLine(grant.account.balance_nanousd, grant.expires_at, grant.reason)
        for grant in grants
    ]


@dataclass(frozen=True, slots=True)
class PackLine:
    """Credits at their price."""

    code: str
    amount_nanousd: int


def pack_line(pack: CreditPack) -> PackLine:
    """Show a pack; credits cost what they are worth."""
    return PackLine(pack.code, pack.amount_nanousd)


@dataclass(frozen=True, slots=True)
class TopUpLine:
    """Bought credits and what went back of them."""

    public_id: str
    amount_nanousd: int
    refunded_nanousd: int
    disputed_nanousd: int
    created_at: datetime


def top_up_line(top_up: TopUp) -> TopUpLine:
    """Show a top-up."""
    return TopUpLine(
        public_id=top_up.public_id,
        amount_nanousd=top_up.amount_nanousd,
        refunded_nanousd=top_up.refunded_nanousd,
        disputed_nanousd=top_up.disputed_nanousd,
        created_at=top_up.created_at,
    )
