"""The only writer of postings.

Algorithm (docs/decisions/0002): insert the transaction under its key, lock the guarded
accounts in the order of their ids, compute, insert the postings with the next version,
move the cached balances. The database checks the rest: the sum at commit, no balance
below zero, no version twice, no change of what is written.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q

from accounts.models import Org
from batchrouter.kit.errors import BatchRouterError
from batchrouter.kit.money import MAX_NANOUSD, format_usd
from billing import chart
from billing.balance_watch import note_posting
from billing.models import LedgerAccount, LedgerTransaction, Posting
from billing.models.ledger import new_transaction_id

log = logging.getLogger(__name__)

SYSTEM = "system"


class InsufficientCredits(BatchRouterError):
    """The organization's balance does not cover the amount."""

    code = "insufficient_credits"
    status = 402
    error_type = "billing_error"


class AmountOutOfRange(BatchRouterError):
    """An amount is zero, negative, or would exceed the cap of an account."""

    code = "amount_out_of_range"
    status = 422
    error_type = "invalid_request_error"


class LedgerKeyReused(BatchRouterError):
    """A key that is already posted came back with other content: our own mistake."""

    code = "ledger_key_reused"


class UnbalancedTransaction(ValueError):
    """The entries do not add up to zero, or are not one per account."""


@dataclass(frozen=True)
class Entry:
    """One line to post: above zero debits the account, below zero credits it."""

    code: str
    amount_nanousd: int


def debit(code: str, amount_nanousd: int) -> Entry:
    """Make an entry on the debit side."""
    return Entry(code, amount_nanousd)


def credit(code: str, amount_nanousd: int) -> Entry:
    """Make an entry on the credit side."""
    return Entry(code, -amount_nanousd)


@transaction.atomic
def post(
    *,
    kind: str,
    key: str,
    entries: Sequence[Entry],
    org: Org | None = None,
    purpose: str = "",
    reason: str = "",
    actor: str = SYSTEM,
) -> LedgerTransaction:
    """Post one transaction, once for its key.

    Args:
        kind: the word of the chart's transaction table, such as ``settle``.
        key: what happened in the business; a second post with it changes nothing.
        entries: at most one per account; together zero.
        org: whose accounts the codes of organizations mean.
        purpose: what the money is for, such as ``batch:batch_01…``.
        reason: a sentence for people.
        actor: who did it.

    Raises:
        InsufficientCredits: a guarded account would go below zero.
        AmountOutOfRange: an amount or a balance would exceed 10**18.
        LedgerKeyReused: the key is posted with other content.
        UnbalancedTransaction, chart.UnknownAccount: a mistake of the caller.
    """
    _check(entries, org)
    fresh = LedgerTransaction(
        public_id=new_transaction_id(),
        kind=kind,
        key=key,
        org=org,
        purpose=purpose,
        reason=reason,
        actor=actor,
    )
    made = _insert_once(fresh)
    if made is None:
        return _already_posted(fresh, entries)
    accounts = _accounts(entries, org)
    postings = [_posting(made, accounts[entry.code], entry) for entry in entries]
    Posting.objects.bulk_create(postings)
    for account in accounts.values():
        if account.guarded:
            account.save(update_fields=["balance_nanousd", "version"])
    if org is not None:
        note_posting(made, org=org, change_nanousd=_available_change(entries))
    return made


def lock_org(org: Org) -> dict[str, LedgerAccount]:
    """Lock every guarded account of an organization, by code.

    Whoever moves more than one account takes these locks first, always in the order of
    the ids, so that two of them cannot wait for each other.
    """
    _open(chart.CORE_ORG_CODES, org)
    locked = (
        LedgerAccount.objects.filter(org=org, guarded=True)
        .order_by("pk")
        .select_for_update(no_key=True)
    )
    return {account.code: account for account in locked}


def _available_change(entries: Sequence[Entry]) -> int:
    return -sum(
        entry.amount_nanousd
        for entry in entries
        if entry.code.startswith(chart.AVAILABLE_PREFIX)
    )


_INSERT = """
    INSERT INTO billing_ledgertransaction
        (public_id, kind, key, org_id, purpose, reason, actor)
    VALUES (%s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (key) DO NOTHING
    RETURNING *
"""


def _insert_once(fresh: LedgerTransaction) -> LedgerTransaction | None:
    """Insert the row, or return None where its key is posted already.

    A second writer of the key waits here for the first to commit or to give up.
    """
    values = [
        fresh.public_id,
        fresh.kind,
        fresh.key,
        fresh.org_id,
        fresh.purpose,
        fresh.reason,
        fresh.actor,
    ]
    return next(iter(LedgerTransaction.objects.raw(_INSERT, values)), None)


def _check(entries: Sequence[Entry], org: Org | None) -> None:
    if len(entries) < 2 or sum(entry.amount_nanousd for entry in entries) != 0:
        raise UnbalancedTransaction("entries must add up to zero")
    if len({entry.code for entry in entries}) != len(entries):
        raise UnbalancedTransaction("an account may stand in a transaction once")
    for entry in entries:
        if chart.rule_of(entry.code).of_org and org is None:
            raise UnbalancedTransaction(f"{entry.code} needs an organization")
        if not 0 < abs(entry.amount_nanousd) <= MAX_NANOUSD:
            raise AmountOutOfRange("An amount must be above zero and at most 10^9 USD.")


def _already_posted(
    fresh: LedgerTransaction, entries: Sequence[Entry]
) -> LedgerTransaction:
    posted = LedgerTransaction.objects.get(key=fresh.key)
    lines = posted.postings.values_list("account__code", "amount_nanousd")
    same = (
        posted.kind == fresh.kind
        and posted.org_id == fresh.org_id
        and set(lines) == {(entry.code, entry.amount_nanousd) for entry in entries}
    )
    if not same:
        log.critical("ledger key %s came again with other content", fresh.key)
        raise LedgerKeyReused(f"{fresh.key} is posted with other content")
    return posted


def _accounts(entries: Sequence[Entry], org: Org | None) -> dict[str, LedgerAccount]:
    """Return the entries' accounts by code, the guarded ones locked."""
    codes = [entry.code for entry in entries]
    found = _open(codes, org)
    guarded = [account.pk for account in found.values() if account.guarded]
    locked = (
        LedgerAccount.objects.filter(pk__in=guarded)
        .order_by("pk")
        .select_for_update(no_key=True)
    )
    return found | {account.code: account for account in locked}


def _open(codes: Sequence[str], org: Org | None) -> dict[str, LedgerAccount]:
    """Return accounts by code; those that are missing start at zero."""
    found = _find(codes, org)
    if found.keys() >= set(codes):
        return found
    # In one order, so that two who open the same never wait for each other.
    missing = sorted(chart.opened_with(codes) - found.keys())
    LedgerAccount.objects.bulk_create(
        [_new_account(code, org) for code in missing], ignore_conflicts=True
    )
    return _find(codes, org)


def _find(codes: Sequence[str], org: Org | None) -> dict[str, LedgerAccount]:
    of_org = [code for code in codes if chart.rule_of(code).of_org]
    ours = [code for code in codes if not chart.rule_of(code).of_org]
    where = Q(org=None, code__in=ours)
    if of_org:
        where |= Q(org=org, code__in=of_org)
    return {account.code: account for account in LedgerAccount.objects.filter(where)}


def _new_account(code: str, org: Org | None) -> LedgerAccount:
    rule = chart.rule_of(code)
    return LedgerAccount(
        org=org if rule.of_org else None,
        code=code,
        normal=rule.normal,
        guarded=rule.guarded,
    )


def _posting(made: LedgerTransaction, account: LedgerAccount, entry: Entry) -> Posting:
    """Make the posting and move the account's balance in memory."""
    posting = Posting(
        transaction=made, account=account, amount_nanousd=entry.amount_nanousd
    )
    if account.guarded:
        _move(account, entry)
        posting.account_version = account.version
        posting.balance_after_nanousd = account.balance_nanousd
    return posting


def _move(account: LedgerAccount, entry: Entry) -> None:
    change = chart.balance_nanousd(account.normal, entry.amount_nanousd)
    after = account.balance_nanousd + change
    if after < 0:
        raise InsufficientCredits(
            f"{account.code} holds {format_usd(account.balance_nanousd)} USD, "
            f"{format_usd(-change)} USD are needed."
        )
    if after > MAX_NANOUSD:
        raise AmountOutOfRange(f"{account.code} would hold more than 10^9 USD.")
    account.balance_nanousd = after
    account.version += 1
