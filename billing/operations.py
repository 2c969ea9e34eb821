"""What operators ask for, who approves it, and how it is carried out.

A request is made by one person and approved by another; only small gifts and refunds,
up to a sum per day, may be done alone. Everything is posted by ``billing/ledger.py``
with the reason and both names. What the bank has to do follows after the commit
(``billing/card_refunds.py``).
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Sum

from accounts.models import Org, User
from batchrouter.kit.errors import BatchRouterError, Conflict, NotFound
from batchrouter.kit.money import NANO_PER_CENT, NANO_PER_USD, format_usd
from billing import chart
from billing.card_refunds import take_refund
from billing.debts import repay
from billing.freeze import require_not_frozen
from billing.ledger import LedgerKeyReused, credit, debit, post
from billing.models import (
    LedgerTransaction,
    OperationKind,
    OperationState,
    OperatorRequest,
)
from billing.months import Month
from billing.operation_ends import RequestRefused, finish, names_of
from billing.provider_statements import known_providers, provider_statement, true_up
from billing.suspense_release import release_suspense

log = logging.getLogger(__name__)

# What one person may do alone, within the limits.
_ALONE_KINDS = (OperationKind.GOODWILL, OperationKind.REFUND_CARD)
_DAY = timedelta(days=1)


class RequestNotFound(NotFound):
    """There is no operator request with this id."""

    code = "operator_request_not_found"


class MakerIsChecker(Conflict):
    """Whoever asked for it may not approve or reject it."""

    code = "maker_is_checker"


@dataclass(frozen=True)
class Limits:
    """What one person may move without another, in nano-dollars."""

    alone_nanousd: int
    alone_day_nanousd: int


class NoSuchOperator(NotFound):
    """No active member of the staff has this address."""

    code = "operator_not_found"


def operator_named(email: str) -> str:
    """Return the name under which an active member of the staff signs.

    Raises:
        NoSuchOperator.
    """
    staff = User.objects.filter(email=email.lower(), is_staff=True, is_active=True)
    if not staff.exists():
        raise NoSuchOperator(f"There is no operator {email!r}.")
    return f"operator:{email.lower()}"


def limits_from_settings() -> Limits:
    """Read the limits of this server."""
    return Limits(
        settings.OPERATOR_ALONE_USD * NANO_PER_USD,
        settings.OPERATOR_ALONE_DAY_USD * NANO_PER_USD,
    )


@dataclass(frozen=True)
class Asking:
    """Who asks, why, and under which key; the same key asks once."""

    maker: str
    reason: str
    key: str
    limits: Limits


@transaction.atomic
def request_goodwill(
    *, org: Org, amount_nanousd: int, asking: Asking, now: datetime
) -> OperatorRequest:
    """Ask for paid-like credit as a gift.

    Raises:
        RequestRefused, LedgerKeyReused.
    """
    wanted = {"org": org, "amount_nanousd": amount_nanousd}
    return _ask(OperationKind.GOODWILL, wanted, asking, now=now)


@transaction.atomic
def request_card_refund(
    *,
    org: Org,
    amount_nanousd: int,
    top_up_id: str = "",
    asking: Asking,
    now: datetime,
) -> OperatorRequest:
    """Ask for unused paid credit to go back to the card it was paid with.

    Args:
        org: whose credit it is.
        amount_nanousd: whole cents.
        top_up_id: which payment; the oldest first where left out.
        asking: who asks and why.
        now: the present instant.

    Raises:
        RequestRefused: not whole cents.
        LedgerKeyReused: the key asked for something else.
    """
    if amount_nanousd % NANO_PER_CENT:
        raise RequestRefused("A card is refunded in whole cents.", param="amount")
    wanted = {"org": org, "amount_nanousd": amount_nanousd, "reference": top_up_id}
    return _ask(OperationKind.REFUND_CARD, wanted, asking, now=now)


@transaction.atomic
def request_adjustment(
    *,
    org: Org | None,
    amount_nanousd: int,
    debit_code: str,
    credit_code: str,
    asking: Asking,
    now: datetime,
) -> OperatorRequest:
    """Ask for a correction between two accounts of the chart.

    Raises:
        RequestRefused: an account is unknown, is kept by another table, or needs an
            organization.
        LedgerKeyReused: the key asked for something else.
    """
    for code in (debit_code, credit_code):
        _require_adjustable(code, org)
    if debit_code == credit_code:
        raise RequestRefused("An adjustment needs two accounts.", param="credit_code")
    wanted = {
        "org": org,
        "amount_nanousd": amount_nanousd,
        "debit_code": debit_code,
        "credit_code": credit_code,
    }
    return _ask(OperationKind.ADJUSTMENT, wanted, asking, now=now)


@transaction.atomic
def request_true_up(
    *,
    provider: str,
    month: Month,
    invoice: str,
    invoiced_nanousd: int,
    asking: Asking,
    now: datetime,
) -> OperatorRequest:
    """Ask for the difference between a provider's invoice and what is booked.

    Args:
        provider: the catalog's slug.
        month: which month the invoice is for.
        invoice: its number.
        invoiced_nanousd: its total.
        asking: who asks and why.
        now: the present instant.

    Raises:
        RequestRefused: the month is not over, nothing is booked, there is no
            difference, or the invoice has no number.
        LedgerKeyReused: the key asked for something else.
    """
    if not invoice.strip():
        raise RequestRefused("Name the provider's invoice.", param="invoice")
    if month.ends_at > now:
        raise RequestRefused("A month is invoiced when it is over.", param="month")
    if provider not in known_providers():
        raise RequestRefused(f"Nothing was ever booked for {provider!r}.")
    made = OperatorRequest.objects.filter(key=asking.key).first()
    booked = provider_statement(provider, month).payable_nanousd
    if made is not None and made.booked_nanousd is not None:
        booked = made.booked_nanousd
    wanted = {
        "org": None,
        "provider": provider,
        "month": str(month),
        "reference": invoice.strip(),
        "amount_nanousd": invoiced_nanousd - booked,
        "booked_nanousd": booked,
    }
    return _ask(OperationKind.TRUE_UP, wanted, asking, now=now)


@transaction.atomic
def request_suspense_release(
    *,
    org: Org,
    suspense_id: str,
    amount_nanousd: int,
    asking: Asking,
    now: datetime,
) -> OperatorRequest:
    """Ask for an unmatched payment to be credited to an organization.

    Raises:
        RequestRefused, LedgerKeyReused.
    """
    wanted = {"org": org, "amount_nanousd": amount_nanousd, "reference": suspense_id}
    return _ask(OperationKind.RELEASE_SUSPENSE, wanted, asking, now=now)


@transaction.atomic
def approve(request_id: str, *, checker: str, now: datetime) -> OperatorRequest:
    """Approve a request and carry it out.

    What the books refuse ends as ``failed``, and nothing is posted.

    Raises:
        RequestNotFound, MakerIsChecker.
        MoneyFrozen: a refund waits until the freeze is lifted.
        MoveNotAllowed: it was decided already.
    """
    asked = _decided_by(request_id, checker)
    if asked.kind == OperationKind.REFUND_CARD:
        require_not_frozen()
    asked.advance(OperationState.APPROVED, at=now)
    _carry_out(asked, now=now)
    return asked


@transaction.atomic
def reject(
    request_id: str, *, checker: str, why: str, now: datetime
) -> OperatorRequest:
    """Refuse a request; nothing is posted.

    Raises:
        RequestNotFound, MakerIsChecker.
        MoveNotAllowed: it was decided already.
    """
    asked = _decided_by(request_id, checker)
    asked.outcome = why[:500]
    asked.save(update_fields=["outcome"])
    asked.advance(OperationState.REJECTED, at=now)
    return asked


def _ask(
    kind: OperationKind,
    wanted: Mapping[str, Any],
    asking: Asking,
    *,
    now: datetime,
) -> OperatorRequest:
    _check(kind, wanted, asking)
    _lock(f"operator request:{asking.key}")
    # One request of a maker at a time adds to the sum of the day.
    _lock(f"operator:{asking.maker.lower()}")
    made = OperatorRequest.objects.filter(key=asking.key).first()
    if made is not None:
        return _same(made, kind, wanted)
    alone = _may_alone(kind, wanted["amount_nanousd"], asking, now)
    if alone and kind == OperationKind.REFUND_CARD:
        require_not_frozen()
    asked = OperatorRequest.objects.create(
        kind=kind,
        key=asking.key,
        reason=asking.reason.strip(),
        maker=asking.maker,
        needs_checker=not alone,
        state=OperationState.REQUESTED,
        state_at=now,
        created_at=now,
        **wanted,
    )
    if alone:
        asked.advance(OperationState.APPROVED, at=now)
        _carry_out(asked, now=now)
    return asked


def _check(kind: OperationKind, wanted: Mapping[str, Any], asking: Asking) -> None:
    if not all(text.strip() for text in (asking.maker, asking.reason, asking.key)):
        raise RequestRefused("Say who asks, and why.", param="reason")
    if len(asking.maker) > 140 or len(asking.reason) > 400:
        raise RequestRefused("The reason is longer than 400 characters.")
    amount = wanted["amount_nanousd"]
    if amount == 0 or (amount < 0 and kind != OperationKind.TRUE_UP):
        raise RequestRefused("The amount must be above zero.", param="amount")


def _lock(name: str) -> None:
    """Let who locks the same name wait until the commit."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [name])


def _may_alone(
    kind: OperationKind, amount_nanousd: int, asking: Asking, now: datetime
) -> bool:
    limits = asking.limits
    if kind not in _ALONE_KINDS or amount_nanousd > limits.alone_nanousd:
        return False
    today = OperatorRequest.objects.filter(
        maker__iexact=asking.maker, needs_checker=False, created_at__gt=now - _DAY
    ).aggregate(total=Sum("amount_nanousd", default=0))
    return int(today["total"]) + amount_nanousd <= limits.alone_day_nanousd


def _same(
    made: OperatorRequest, kind: OperationKind, wanted: Mapping[str, Any]
) -> OperatorRequest:
    if made.kind != kind or any(
        getattr(made, name) != value for name, value in wanted.items()
    ):
        raise LedgerKeyReused(f"the key {made.key} asked for something else")
    return made


def _decided_by(request_id: str, checker: str) -> OperatorRequest:
    asked = (
        OperatorRequest.objects.filter(public_id=request_id)
        .select_for_update(no_key=True)
        .first()
    )
    if asked is None:
        raise RequestNotFound("There is no such request.")
    if not checker.strip() or checker.lower() == asked.maker.lower():
        raise MakerIsChecker("Another person than the maker has to decide.")
    if asked.state == OperationState.REQUESTED:
        asked.checker = checker
        asked.save(update_fields=["checker"])
    return asked


def _carry_out(asked: OperatorRequest, *, now: datetime) -> None:
    """Post what was approved; what the books refuse leaves only its reason behind."""
    try:
        with transaction.atomic():
            posted = _CARRIERS[asked.kind](asked, now)
    except BatchRouterError as error:
        finish(asked, failure=error.message, now=now)
        return
    if posted is not None:
        asked.transaction = posted
        finish(asked, now=now)


# Other tables say what these hold, so a hand may not move them.
_KEPT_ELSEWHERE = (chart.RESERVED, "available:promo", chart.SUSPENSE)


def _require_adjustable(code: str, org: Org | None) -> None:
    try:
        rule = chart.rule_of(code)
    except chart.UnknownAccount as error:
        raise RequestRefused(str(error), param="account") from error
    if code.startswith(_KEPT_ELSEWHERE):
        raise RequestRefused(f"{code} cannot be adjusted by hand.", param="account")
    if rule.of_org and org is None:
        raise RequestRefused(f"{code} needs an organization.", param="org")


def _give_goodwill(asked: OperatorRequest, _now: datetime) -> LedgerTransaction:
    posted = post(
        kind="goodwill",
        key=f"goodwill:{asked.public_id}",
        entries=[
            debit(chart.EXPENSE_GOODWILL, asked.amount_nanousd),
            credit(chart.AVAILABLE_PAID, asked.amount_nanousd),
        ],
        org=asked.org,
        purpose=f"operation:{asked.public_id}",
        reason=asked.reason,
        actor=names_of(asked),
    )
    if asked.org is not None:
        repay(asked.org)
    return posted


def _adjust(asked: OperatorRequest, _now: datetime) -> LedgerTransaction:
    log.warning(
        "adjustment %s: %s USD from %s to %s",
        asked.public_id,
        format_usd(asked.amount_nanousd),
        asked.debit_code,
        asked.credit_code,
    )
    return post(
        kind="adjustment",
        key=f"adj:{asked.public_id}",
        entries=[
            debit(asked.debit_code, asked.amount_nanousd),
            credit(asked.credit_code, asked.amount_nanousd),
        ],
        org=asked.org,
        purpose=f"operation:{asked.public_id}",
        reason=asked.reason,
        actor=names_of(asked),
    )


# A carrier that returns no transaction ends the request later by itself.
Carrier = Callable[[OperatorRequest, datetime], LedgerTransaction | None]
_CARRIERS: Mapping[str, Carrier] = {
    OperationKind.REFUND_CARD: take_refund,
    OperationKind.GOODWILL: _give_goodwill,
    OperationKind.ADJUSTMENT: _adjust,
    OperationKind.TRUE_UP: true_up,
    OperationKind.RELEASE_SUSPENSE: release_suspense,
}
