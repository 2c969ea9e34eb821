"""Reads and writes that only tests need."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from accounts.models import Org
from billing import chart
from billing.ledger import credit, debit, post
from billing.models import LedgerAccount, LedgerTransaction, Posting


def execute(sql: str, *values: Any) -> None:
    """Run a statement as somebody with a database shell would."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def check_deferred() -> None:
    """Let the database judge now what it would judge at the commit."""
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    execute("SET CONSTRAINTS ALL DEFERRED")


@contextmanager
def without_triggers() -> Iterator[None]:
    """Damage rows as only a superuser can, who turns the triggers off."""
    execute("SET session_replication_role = replica")
    try:
        yield
    finally:
        execute("SET session_replication_role = origin")


def balance_of(org: Org, code: str) -> int:
    """Return the cached balance of one account."""
    return LedgerAccount.objects.get(org=org, code=code).balance_nanousd


def top_up(org: Org, amount_nanousd: int, *, key: str = "topup-1") -> LedgerTransaction:
    """Post paid credits as a top-up does."""
    return post(
        kind="top_up",
        key=key,
        org=org,
        entries=[
            debit(chart.STRIPE_CLEARING, amount_nanousd),
            credit(chart.AVAILABLE_PAID, amount_nanousd),
        ],
    )


def lines_of(public_id: str) -> dict[str, int]:
    """Return a transaction's amounts by account code."""
    postings = Posting.objects.filter(transaction__public_id=public_id)
    return dict(postings.values_list("account__code", "amount_nanousd"))
