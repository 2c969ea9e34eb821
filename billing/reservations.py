"""Spend in two steps: hold a total, then charge at most that and give back the rest.

Every function may run inside the caller's transaction. The order of locks is the
caller's own rows, the reservation, then the organization's accounts by id.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.models import Org
from batchrouter.kit.errors import BatchRouterError, Conflict, NotFound
from batchrouter.kit.money import MAX_NANOUSD, format_usd
from billing import chart
from billing.debts import repay, require_nothing_owed
from billing.freeze import require_not_frozen
from billing.grants import expire_due_grants
from billing.ledger import (
    AmountOutOfRange,
    Entry,
    InsufficientCredits,
    LedgerKeyReused,
    credit,
    debit,
    lock_org,
    post,
)
from billing.models import (
    Grant,
    LedgerAccount,
    LedgerTransaction,
    Reservation,
    ReservationLeg,
    ReservationState,
)
from billing.selectors import funding_preview


class ReservationNotFound(NotFound):
    """Nothing was ever reserved for this purpose."""

    code = "reservation_not_found"


class ChargeAboveReservation(BatchRouterError):
    """A charge exceeds what is held: our own mistake, nothing is charged."""

    code = "charge_above_reservation"


class SettledOtherwise(Conflict):
    """The reservation is closed already, with other amounts."""

    code = "settled_otherwise"


@dataclass(frozen=True)
class Settlement:
    """How a reservation ended. ``charged`` and ``released`` are what was held."""

    reservation_id: str
    purpose: str
    reserved_nanousd: int
    usage_nanousd: int
    fee_nanousd: int
    charged_nanousd: int
    released_nanousd: int
    settled_at: datetime
    reserve_transaction_id: str
    settle_transaction_id: str


@transaction.atomic
def reserve(
    *,
    org: Org,
    purpose: str,
    amount_nanousd: int,
    reason: str,
    expires_at: datetime,
    now: datetime,
) -> Reservation:
    """Hold credits for a purpose, once.

    Promotional credits go first, the soonest to expire before the others, then paid
    ones. The same purpose and amount again returns the first reservation.

    Args:
        org: who pays.
        purpose: unique for all time, such as ``batch:batch_01…``.
        amount_nanousd: the ceiling of the later charge, above zero.
        reason: why the credits are held, for the customer.
        expires_at: by when it must be closed; reconciliation alarms a day later.
        now: the present instant.

    Raises:
        InsufficientCredits: with the funding preview as details.
        MoneyFrozen: a money invariant failed and nobody has lifted the freeze.
        CreditsOwed: a payment was reversed after its credits were spent.
        AmountOutOfRange: the amount is not above zero and at most 10**18.
        LedgerKeyReused: the purpose holds another amount or is another org's.
    """
    if not 0 < amount_nanousd <= MAX_NANOUSD:
        raise AmountOutOfRange("A reservation must be above zero, at most 10^9 USD.")
    lock_org(org)
    held = Reservation.objects.filter(purpose=purpose).first()
    if held is not None:
        return _same(held, org, amount_nanousd)
    require_not_frozen()
    repay(org)
    require_nothing_owed(org)
    expire_due_grants(org=org, now=now)
    legs = _legs(org, amount_nanousd)
    posted = post(
        kind="reserve",
        key=f"{purpose}:reserve",
        entries=[
            *(debit(account.code, part) for account, part in legs),
            credit(chart.RESERVED, amount_nanousd),
        ],
        org=org,
        purpose=purpose,
        reason=reason,
    )
    made = Reservation.objects.create(
        org=org,
        purpose=purpose,
        reason=reason,
        amount_nanousd=amount_nanousd,
        expires_at=expires_at,
        created_at=now,
        state=ReservationState.OPEN,
        state_at=now,
        reserve_transaction=posted,
    )
    _save_legs(made, legs)
    return made


@transaction.atomic
def settle(
    *, purpose: str, usage_nanousd: int, fee_nanousd: int, now: datetime
) -> Settlement:
    """Charge a reservation and give back the rest, in one ledger transaction.

    Settling again with the same amounts returns the same settlement.

    Raises:
        ReservationNotFound: nothing was reserved for the purpose.
        ChargeAboveReservation: usage and fee exceed what is held.
        SettledOtherwise: it is closed with other amounts.
        MoneyFrozen: a money invariant failed; try again once it is lifted.
        AmountOutOfRange: an amount is negative.
    """
    if usage_nanousd < 0 or fee_nanousd < 0:
        raise AmountOutOfRange("A charge cannot be negative.")
    held = _lock(purpose)
    if held.state == ReservationState.CLOSED:
        return _same_settlement(held, usage_nanousd, fee_nanousd)
    charged = usage_nanousd + fee_nanousd
    if charged > held.amount_nanousd:
        raise ChargeAboveReservation(
            f"{format_usd(charged)} USD exceed the {format_usd(held.amount_nanousd)} "
            f"USD held for {purpose}"
        )
    require_not_frozen()
    lock_org(held.org)
    held.usage_nanousd, held.fee_nanousd = usage_nanousd, fee_nanousd
    held.released_nanousd = held.amount_nanousd - charged
    returned = _return_to_legs(held)
    held.settle_transaction = _post_settlement(held, returned)
    held.save(
        update_fields=[
            "usage_nanousd",
            "fee_nanousd",
            "released_nanousd",
            "settle_transaction",
        ]
    )
    held.advance(ReservationState.CLOSED, at=now)
    # What came back to a grant that expired meanwhile expires with it.
    expire_due_grants(org=held.org, now=now)
    return settlement_of(held)


def release(*, purpose: str, now: datetime) -> Settlement:
    """Close a reservation without a charge; raises what ``settle`` raises."""
    return settle(purpose=purpose, usage_nanousd=0, fee_nanousd=0, now=now)


def settlement_of(closed: Reservation) -> Settlement:
    """Describe how a closed reservation ended.

    Raises:
        ValueError: it is still open.
    """
    if closed.settle_transaction is None:
        raise ValueError(f"{closed.public_id} is still open")
    return Settlement(
        reservation_id=closed.public_id,
        purpose=closed.purpose,
        reserved_nanousd=closed.amount_nanousd,
        usage_nanousd=closed.usage_nanousd,
        fee_nanousd=closed.fee_nanousd,
        charged_nanousd=closed.settled_nanousd,
        released_nanousd=closed.released_nanousd,
        settled_at=closed.state_at,
        reserve_transaction_id=closed.reserve_transaction.public_id,
        settle_transaction_id=closed.settle_transaction.public_id,
    )


Legs = Sequence[tuple[LedgerAccount, int]]


def _legs(org: Org, amount_nanousd: int) -> Legs:
    """Split an amount over the organization's buckets, in the order of spending.

    Raises:
        InsufficientCredits: together they hold less.
    """
    legs, missing = [], amount_nanousd
    for account in _buckets(org):
        part = min(missing, account.balance_nanousd)
        if part:
            legs.append((account, part))
            missing -= part
    if missing:
        raise InsufficientCredits(
            f"This needs {format_usd(amount_nanousd)} USD, "
            f"{format_usd(missing)} USD more than is available.",
            details=funding_preview(org, amount_nanousd),
        )
    return legs


def _buckets(org: Org) -> list[LedgerAccount]:
    """Return what can be spent: promotional by expiry, never last, then paid."""
    promos = (
        Grant.objects.filter(org=org, is_promo=True, account__balance_nanousd__gt=0)
        .select_related("account")
        .order_by("expires_at", "pk")  # PostgreSQL sorts null, "never", last
    )
    paid = LedgerAccount.objects.get(org=org, code=chart.AVAILABLE_PAID)
    return [*(grant.account for grant in promos), paid]


def _same(held: Reservation, org: Org, amount_nanousd: int) -> Reservation:
    if held.org_id != org.pk or held.amount_nanousd != amount_nanousd:
        raise LedgerKeyReused(f"{held.purpose} is reserved with other content")
    return held


def _save_legs(made: Reservation, legs: Legs) -> None:
    ReservationLeg.objects.bulk_create(
        ReservationLeg(
            reservation=made, position=position, account=account, amount_nanousd=part
        )
        for position, (account, part) in enumerate(legs)
    )


def _lock(purpose: str) -> Reservation:
    # No joins: after waiting for the lock, PostgreSQL reads this row anew but not what
    # is joined to it, so a settlement made meanwhile would seem to be missing.
    held = (
        Reservation.objects.filter(purpose=purpose)
        .select_for_update(no_key=True)
        .first()
    )
    if held is None:
        raise ReservationNotFound(f"nothing is reserved for {purpose}")
    return held


def _same_settlement(
    closed: Reservation, usage_nanousd: int, fee_nanousd: int
) -> Settlement:
    if (closed.usage_nanousd, closed.fee_nanousd) != (usage_nanousd, fee_nanousd):
        raise SettledOtherwise(f"{closed.purpose} is settled with other amounts")
    return settlement_of(closed)


def _return_to_legs(held: Reservation) -> list[Entry]:
    """Give the released part back, the leg that was taken last first."""
    entries, left = [], held.released_nanousd
    for leg in held.legs.select_related("account").order_by("-position"):
        part = min(left, leg.amount_nanousd)
        if part:
            leg.released_nanousd = part
            leg.save(update_fields=["released_nanousd"])
            entries.append(credit(leg.account.code, part))
            left -= part
    return entries


def _post_settlement(held: Reservation, returned: list[Entry]) -> LedgerTransaction:
    earned = [
        credit(code, amount)
        for code, amount in (
            (chart.REVENUE_USAGE, held.usage_nanousd),
            (chart.REVENUE_SERVICE_FEE, held.fee_nanousd),
        )
        if amount
    ]
    charged, released = (
        format_usd(held.settled_nanousd),
        format_usd(held.released_nanousd),
    )
    return post(
        kind="settle" if earned else "release",
        # One key for both, so that a charge and a bare release can never coexist.
        key=f"{held.purpose}:settle",
        entries=[debit(chart.RESERVED, held.amount_nanousd), *earned, *returned],
        org=held.org,
        purpose=held.purpose,
        reason=f"Charged {charged} USD, released {released} USD.",
    )
