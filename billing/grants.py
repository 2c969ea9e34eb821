"""Credits that operators give, and the end of those that expire."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from accounts.models import Org
from batchrouter.kit.money import MAX_NANOUSD
from billing import chart
from billing.ledger import (
    SYSTEM,
    AmountOutOfRange,
    Entry,
    LedgerKeyReused,
    credit,
    debit,
    lock_org,
    post,
)
from billing.models import Grant, LedgerAccount
from billing.models.grant import new_grant_id
from billing.signals import credits_posted


@transaction.atomic
def grant_credits(
    *,
    org: Org,
    amount_nanousd: int,
    reason: str,
    actor: str,
    key: str,
    is_promo: bool = False,
    expires_at: datetime | None = None,
) -> Grant:
    """Give credits to an organization, once for the operator's key.

    Args:
        org: who receives them.
        amount_nanousd: above zero.
        reason: why, for the ledger and its readers.
        actor: who gives, such as ``operator:ada``.
        key: any text; the same key again returns the first grant.
        is_promo: spent before paid credit, and may expire.
        expires_at: when the unspent rest of a promotional grant ends.

    Raises:
        LedgerKeyReused: the key made another grant.
        AmountOutOfRange: the amount or the balance leaves the cap.
        ValueError: reason, actor or key is empty, or paid-like credit would expire.
    """
    _check(amount_nanousd, [reason, actor, key])
    if expires_at is not None and not is_promo:
        raise ValueError("only promotional credits expire")
    lock_org(org)
    wanted = {
        "amount_nanousd": amount_nanousd,
        "is_promo": is_promo,
        "expires_at": expires_at,
    }
    made = Grant.objects.filter(org=org, key=key).first()
    if made is not None:
        return _same(made, wanted)
    public_id = new_grant_id()
    kind, code, entries = _entries(public_id, amount_nanousd, is_promo=is_promo)
    posted = post(
        kind=kind,
        key=f"grant:{public_id}",
        entries=entries,
        org=org,
        purpose=f"grant:{public_id}",
        reason=reason,
        actor=actor,
    )
    credits_posted.send(
        sender=Grant,
        org=org,
        amount_nanousd=amount_nanousd,
        source="grant",
        transaction=posted,
    )
    return Grant.objects.create(
        public_id=public_id,
        org=org,
        key=key,
        reason=reason,
        actor=actor,
        account=LedgerAccount.objects.get(org=org, code=code),
        transaction=posted,
        **wanted,
    )


@transaction.atomic
def expire_due_grants(*, org: Org, now: datetime) -> int:
    """End the unspent rest of an organization's expired grants; return how many.

    What a reservation holds is not touched: it expires when it comes back.
    """
    lock_org(org)
    ended = 0
    # Their accounts are read with them: one that was opened while we waited for the
    # lock is not among those that the lock returns.
    due = Grant.objects.filter(org=org, is_promo=True, expires_at__lte=now)
    for grant in due.select_related("account").order_by("pk"):
        account = grant.account
        if account.balance_nanousd == 0:
            continue
        post(
            kind="expiry",
            # A version per posting: a grant may expire again after a release.
            key=f"grant:{grant.public_id}:expire:{account.version}",
            entries=[
                debit(account.code, account.balance_nanousd),
                credit(chart.REVENUE_BREAKAGE, account.balance_nanousd),
            ],
            org=org,
            purpose=f"grant:{grant.public_id}",
            reason="The promotional credits expired.",
            actor=SYSTEM,
        )
        ended += 1
    return ended


def expire_all_due_grants(*, now: datetime) -> int:
    """End the unspent rest of every expired grant, one organization at a time."""
    due = Org.objects.filter(
        pk__in=Grant.objects.filter(
            expires_at__lte=now, account__balance_nanousd__gt=0
        ).values("org")
    ).order_by("pk")
    return sum(expire_due_grants(org=org, now=now) for org in due)


def _check(amount_nanousd: int, texts: list[str]) -> None:
    if not 0 < amount_nanousd <= MAX_NANOUSD:
        raise AmountOutOfRange("A grant must be above zero and at most 10^9 USD.")
    if not all(text.strip() for text in texts):
        raise ValueError("a grant needs a reason, an actor and a key")


def _same(made: Grant, wanted: Mapping[str, object]) -> Grant:
    if any(getattr(made, name) != value for name, value in wanted.items()):
        raise LedgerKeyReused(f"the key {made.key} made another grant")
    return made


def _entries(
    grant_id: str, amount_nanousd: int, *, is_promo: bool
) -> tuple[str, str, list[Entry]]:
    """Return the kind, the customer's account and the entries of a grant."""
    if is_promo:
        kind, code, expense = (
            "grant",
            chart.available_promo(grant_id),
            chart.EXPENSE_PROMO,
        )
    else:
        kind, code, expense = "goodwill", chart.AVAILABLE_PAID, chart.EXPENSE_GOODWILL
    return kind, code, [debit(expense, amount_nanousd), credit(code, amount_nanousd)]
