"""Organizations with credits, reservations, and how to empty the money tables."""

# mypy: allow-untyped-calls
# factory_boy's declarations carry no types.

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from factory.declarations import LazyFunction, Sequence, SubFactory
from factory.django import DjangoModelFactory

from accounts.models import Org
from batchrouter.kit.money import NANO_PER_USD
from billing.grants import grant_credits
from billing.models import Grant, Reservation
from billing.reservations import reserve
from tests.factories.accounts import OrgFactory

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class GrantFactory(DjangoModelFactory[Grant]):
    """Credits given by an operator, through the service and so through the ledger."""

    class Meta:
        model = Grant

    org = SubFactory(OrgFactory)
    amount_nanousd = 50 * NANO_PER_USD
    reason = "credits for a test"
    actor = "operator:test"
    key = Sequence(lambda number: f"grant-{number}")

    @classmethod
    def _create(cls, model_class: type[Grant], *args: Any, **kwargs: Any) -> Grant:
        return grant_credits(*args, **kwargs)


class ReservationFactory(DjangoModelFactory[Reservation]):
    """Credits held until a day later, through the service."""

    class Meta:
        model = Reservation

    org = LazyFunction(lambda: funded_org(usd=50))
    purpose = Sequence(lambda number: f"batch:batch_{number:026d}")
    amount_nanousd = 10 * NANO_PER_USD
    reason = "The quoted total of a batch."
    now = NOON
    expires_at = NOON + timedelta(days=1)

    @classmethod
    def _create(
        cls, model_class: type[Reservation], *args: Any, **kwargs: Any
    ) -> Reservation:
        return reserve(*args, **kwargs)


def funded_org(*, usd: int) -> Org:
    """Make an organization with this many dollars of paid-like credit."""
    return GrantFactory.create(amount_nanousd=usd * NANO_PER_USD).org


MONEY_TABLES = (
    "billing_reservationleg, billing_reservation, billing_grant, billing_posting, "
    "billing_ledgertransaction, billing_ledgeraccount, billing_receipt, "
    "billing_receiptchain"
)


def empty_money_tables() -> None:
    """Empty what cannot be emptied otherwise, before a test's tables are flushed.

    The append-only triggers refuse it to everybody but a superuser who turns triggers
    off, which the owner of a test database is.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(f"TRUNCATE {MONEY_TABLES} CASCADE")
