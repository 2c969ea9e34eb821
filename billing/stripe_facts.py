"""What Stripe says about money, read from its objects into plain values.

Amounts are whole cents, as Stripe counts dollars. Fields:
https://docs.stripe.com/api (read 2026-11, version 2026-05-27.dahlia).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

USD = "usd"


class UnreadableFact(ValueError):
    """An object lacks what every such object has."""


@dataclass(frozen=True)
class EventFact:
    """One event, with its object as it came."""

    id: str
    type: str
    livemode: bool
    account: str
    payload: Mapping[str, Any]

    @property
    def subject(self) -> Mapping[str, Any]:
        """The object that the event is about."""
        return _table(_table(self.payload, "data"), "object")


@dataclass(frozen=True)
class SessionFact:
    """A checkout session. ``reference`` is our own id, as we gave it."""

    id: str
    url: str
    status: str
    mode: str
    payment_status: str
    amount_cents: int
    currency: str
    customer_id: str
    payment_intent_id: str
    reference: str
    expires_at: datetime | None

    @property
    def is_paid(self) -> bool:
        """Tell whether money came in through it."""
        return self.mode == "payment" and self.payment_status == "paid"


@dataclass(frozen=True)
class RefundFact:
    """A refund. ``reference`` is the key under which we asked for it, if we did."""

    id: str
    status: str
    amount_cents: int
    currency: str
    payment_intent_id: str
    charge_id: str
    reference: str

    @property
    def has_failed(self) -> bool:
        """Tell whether the money did not reach the customer, or came back."""
        return self.status in {"failed", "canceled"}


@dataclass(frozen=True)
class DisputeFact:
    """A dispute, or the inquiry before one."""

    id: str
    status: str
    amount_cents: int
    currency: str
    payment_intent_id: str
    charge_id: str

    @property
    def is_inquiry(self) -> bool:
        """Tell whether the bank only asks and has taken nothing."""
        return self.status.startswith("warning_")


@dataclass(frozen=True)
class BalanceTransactionFact:
    """A movement on our Stripe balance. ``net_cents`` is what it changed."""

    id: str
    type: str
    amount_cents: int
    fee_cents: int
    net_cents: int
    currency: str
    source_id: str
    created_at: datetime


@dataclass(frozen=True)
class ChargeFact:
    """A charge with those of its refunds that came along."""

    id: str
    payment_intent_id: str
    refunds: tuple[RefundFact, ...] = field(default=())


def read_event(data: Mapping[str, Any]) -> EventFact:
    """Read an event.

    Raises:
        UnreadableFact.
    """
    found = EventFact(
        id=_text(data, "id"),
        type=_text(data, "type"),
        livemode=data.get("livemode") is True,
        account=str(data.get("account") or ""),
        payload=data,
    )
    if data.get("object") != "event" or not found.subject:
        raise UnreadableFact("this is no event")
    return found


def read_session(data: Mapping[str, Any]) -> SessionFact:
    """Read a checkout session.

    Raises:
        UnreadableFact.
    """
    metadata = data.get("metadata") or {}
    expires_at = data.get("expires_at")
    return SessionFact(
        id=_text(data, "id"),
        url=str(data.get("url") or ""),
        status=str(data.get("status") or ""),
        mode=str(data.get("mode") or ""),
        payment_status=str(data.get("payment_status") or ""),
        amount_cents=_whole(data, "amount_total", default=0),
        currency=str(data.get("currency") or ""),
        customer_id=_reference(data, "customer"),
        payment_intent_id=_reference(data, "payment_intent"),
        reference=str(metadata.get("checkout_session") or ""),
        expires_at=None if expires_at is None else _instant(data, "expires_at"),
    )


def read_refund(data: Mapping[str, Any]) -> RefundFact:
    """Read a refund.

    Raises:
        UnreadableFact.
    """
    metadata = data.get("metadata") or {}
    return RefundFact(
        id=_text(data, "id"),
        status=str(data.get("status") or ""),
        amount_cents=_whole(data, "amount"),
        currency=_text(data, "currency"),
        payment_intent_id=_reference(data, "payment_intent"),
        charge_id=_reference(data, "charge"),
        reference=str(metadata.get("card_refund") or ""),
    )


def read_dispute(data: Mapping[str, Any]) -> DisputeFact:
    """Read a dispute.

    Raises:
        UnreadableFact.
    """
    return DisputeFact(
        id=_text(data, "id"),
        status=_text(data, "status"),
        amount_cents=_whole(data, "amount"),
        currency=_text(data, "currency"),
        payment_intent_id=_reference(data, "payment_intent"),
        charge_id=_reference(data, "charge"),
    )


def read_charge(data: Mapping[str, Any]) -> ChargeFact:
    """Read a charge; newer versions of the API leave its refunds out.

    Raises:
        UnreadableFact.
    """
    listed = (data.get("refunds") or {}).get("data") or []
    return ChargeFact(
        id=_text(data, "id"),
        payment_intent_id=_reference(data, "payment_intent"),
        refunds=tuple(read_refund(refund) for refund in listed),
    )


def read_balance_transaction(data: Mapping[str, Any]) -> BalanceTransactionFact:
    """Read a movement on our Stripe balance.

    Raises:
        UnreadableFact.
    """
    return BalanceTransactionFact(
        id=_text(data, "id"),
        type=_text(data, "type"),
        amount_cents=_whole(data, "amount"),
        fee_cents=_whole(data, "fee"),
        net_cents=_whole(data, "net"),
        currency=_text(data, "currency"),
        source_id=_reference(data, "source"),
        created_at=_instant(data, "created"),
    )


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not value:
        raise UnreadableFact(f"{name} is missing")
    return value


def _whole(data: Mapping[str, Any], name: str, *, default: int | None = None) -> int:
    value = data.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, int) or isinstance(value, bool):
        raise UnreadableFact(f"{name} is no whole number")
    return value


def _reference(data: Mapping[str, Any], name: str) -> str:
    """Return the id of an object that is named, or expanded in place."""
    value = data.get(name)
    if isinstance(value, Mapping):
        value = value.get("id")
    return str(value or "")


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = data.get(name)
    return value if isinstance(value, Mapping) else {}


def _instant(data: Mapping[str, Any], name: str) -> datetime:
    return datetime.fromtimestamp(_whole(data, name), UTC)
