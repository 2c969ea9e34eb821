"""A provider's month: what the work cost, and the true-up against its invoice."""

import json
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from batchrouter.kit.money import NANO_PER_USD
from billing.costs import book_cost
from billing.models import LedgerTransaction, OperationState, OperatorRequest
from billing.months import Month
from billing.operations import approve
from billing.provider_statements import known_providers, provider_statement
from billing.reconcile import run_checks
from tests.billing.helpers import lines_of, without_triggers
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db

USD = NANO_PER_USD
MONTH = Month(2025, 3)


@pytest.fixture(autouse=True)
def _work() -> None:
    """Work of March 2025 for ten dollars, and for two of which nobody is sure."""
    book_cost(provider="openai", key="execution:1", amount_nanousd=10 * USD, reason="-")
    book_cost(
        provider="openai",
        key="execution:2",
        amount_nanousd=2 * USD,
        reason="-",
        ambiguous=True,
    )
    with without_triggers():
        LedgerTransaction.objects.update(created_at=datetime(2025, 3, 31, tzinfo=UTC))
    book_cost(provider="openai", key="execution:3", amount_nanousd=1, reason="later")


def _true_up(amount: str, *, invoice: str = "INV-1") -> OperatorRequest:
    UserFactory.create(email=f"ada{amount}@example.com", is_staff=True)
    call_command(
        "provider_true_up",
        "openai",
        "2025-03",
        amount,
        invoice=invoice,
        maker=f"ada{amount}@example.com",
        stdout=StringIO(),
    )
    return OperatorRequest.objects.latest("id")


def _approve(asked: OperatorRequest) -> OperatorRequest:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    return approve(asked.public_id, checker="operator:grace", now=now)


def test_a_month_adds_up_what_its_work_cost() -> None:
    found = provider_statement("openai", MONTH)
    assert found.cost_nanousd == 10 * USD
    assert found.ambiguous_nanousd == 2 * USD
    assert found.payable_nanousd == 12 * USD


def test_every_provider_that_was_owed_anything_is_known() -> None:
    assert known_providers() == ["openai"]


def test_the_command_prints_it_for_programs() -> None:
    out = StringIO()
    call_command("provider_statement", "openai", "2025-03", "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert told["cost_usd"] == "10.000000000"
    assert told["payable_usd"] == "12.000000000"
    assert told["items"] == 0


def test_an_invoice_below_the_books_takes_the_difference_back() -> None:
    asked = _true_up("11.50")
    assert (asked.amount_nanousd, asked.state) == (-500_000_000, "requested")
    done = _approve(asked)
    assert done.state == OperationState.DONE
    assert done.transaction is not None
    assert lines_of(done.transaction.public_id) == {
        "cogs:openai": -500_000_000,
        "payable:openai": 500_000_000,
    }
    assert provider_statement("openai", MONTH).payable_nanousd == 11_500_000_000


def test_an_invoice_above_the_books_adds_the_difference() -> None:
    _approve(_true_up("12.75"))
    assert provider_statement("openai", MONTH).trued_up_nanousd == 750_000_000


def test_an_invoice_that_agrees_needs_no_true_up() -> None:
    with pytest.raises(CommandError, match="above zero"):
        _true_up("12.00")
    assert not OperatorRequest.objects.exists()


def test_books_that_moved_meanwhile_are_asked_about_again() -> None:
    first, second = _true_up("11.50"), _true_up("11.60", invoice="INV-2")
    _approve(first)
    assert _approve(second).state == OperationState.FAILED
    assert provider_statement("openai", MONTH).payable_nanousd == 11_500_000_000


@pytest.mark.parametrize(
    ("provider", "month", "why"),
    [
        ("openai", "2999-01", "when it is over"),
        ("nobody", "2025-03", "Nothing was ever booked"),
        ("openai", "2025-13", "no month"),
    ],
)
def test_a_true_up_is_refused(provider: str, month: str, why: str) -> None:
    UserFactory.create(email="ada@example.com", is_staff=True)
    with pytest.raises(CommandError, match=why):
        call_command(
            "provider_true_up",
            provider,
            month,
            "5.00",
            invoice="INV-1",
            maker="ada@example.com",
        )
    assert not OperatorRequest.objects.exists()


def test_books_that_no_longer_match_an_invoice_are_found() -> None:
    _approve(_true_up("11.50"))
    late = book_cost(
        provider="openai", key="execution:4", amount_nanousd=USD, reason="late"
    )
    assert late is not None
    with without_triggers():
        LedgerTransaction.objects.filter(pk=late.pk).update(
            created_at=datetime(2025, 3, 31, tzinfo=UTC)
        )
    now = datetime(2026, 11, 22, tzinfo=UTC)
    assert [one.code for one in run_checks(now=now) if not one.ok] == ["R13"]
