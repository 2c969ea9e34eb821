"""Operator requests: a maker, a checker, limits, and what the ledger says of both."""

from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Org
from batchrouter.kit.money import NANO_PER_USD
from batchrouter.kit.states import MoveNotAllowed
from billing import chart
from billing.ledger import LedgerKeyReused, credit, debit, post
from billing.models import (
    LedgerTransaction,
    OperationKind,
    OperationState,
    OperatorRequest,
    Posting,
    Suspense,
    SuspenseReason,
    SuspenseState,
)
from billing.operation_ends import RequestRefused
from billing.operations import (
    Asking,
    Limits,
    MakerIsChecker,
    NoSuchOperator,
    RequestNotFound,
    approve,
    operator_named,
    reject,
    request_adjustment,
    request_card_refund,
    request_goodwill,
    request_suspense_release,
)
from billing.selectors import balance
from tests.billing.helpers import balance_of, lines_of
from tests.factories.accounts import OrgFactory, UserFactory
from tests.factories.billing import NOON, funded_org
from tests.support.meanwhile import meanwhile

pytestmark = pytest.mark.django_db

USD = NANO_PER_USD
LIMITS = Limits(alone_nanousd=50 * USD, alone_day_nanousd=120 * USD)
ADA, GRACE = "operator:ada@example.com", "operator:grace@example.com"


@pytest.fixture
def org() -> Org:
    return OrgFactory.create()


def _asking(key: str = "k:1", maker: str = ADA, reason: str = "An outage.") -> Asking:
    return Asking(maker=maker, reason=reason, key=key, limits=LIMITS)


def _gift(org: Org, usd: int, **asking: Any) -> OperatorRequest:
    return request_goodwill(
        org=org, amount_nanousd=usd * USD, asking=_asking(**asking), now=NOON
    )


def _nothing_posted() -> bool:
    return not LedgerTransaction.objects.exists()


def test_a_small_gift_is_given_by_one_person(org: Org) -> None:
    asked = _gift(org, 50)
    assert (asked.state, asked.checker) == (OperationState.DONE, "")
    assert asked.transaction is not None
    assert asked.transaction.actor == ADA
    assert balance(org).available_nanousd == 50 * USD


def test_a_larger_gift_waits_for_a_second_person(org: Org) -> None:
    asked = _gift(org, 51)
    assert (asked.state, asked.needs_checker) == (OperationState.REQUESTED, True)
    assert _nothing_posted()


def test_gifts_of_a_day_add_up_to_the_limit_of_one_person(org: Org) -> None:
    states = [_gift(org, 50, key=f"k:{number}").state for number in range(3)]
    assert states == ["done", "done", "requested"]
    assert balance(org).available_nanousd == 100 * USD


def test_another_person_has_a_day_of_their_own(org: Org) -> None:
    for number in range(2):
        _gift(org, 50, key=f"k:{number}")
    assert _gift(org, 50, key="k:other", maker=GRACE).state == OperationState.DONE


def test_an_approved_gift_names_both_persons_and_the_reason(org: Org) -> None:
    asked = approve(_gift(org, 51).public_id, checker=GRACE, now=NOON)
    posted = LedgerTransaction.objects.get()
    assert asked.state == OperationState.DONE
    assert posted.key == f"goodwill:{asked.public_id}"
    assert posted.actor == f"{ADA}, approved by {GRACE}"
    assert posted.reason == "An outage."
    assert lines_of(posted.public_id) == {
        chart.EXPENSE_GOODWILL: 51 * USD,
        chart.AVAILABLE_PAID: -51 * USD,
    }


@pytest.mark.parametrize("checker", [ADA, ADA.upper(), " "])
@pytest.mark.parametrize(
    "decide", [approve, partial(reject, why="no")], ids=["approve", "reject"]
)
def test_the_maker_cannot_decide(org: Org, checker: str, decide: Any) -> None:
    asked = _gift(org, 51)
    with pytest.raises(MakerIsChecker):
        decide(asked.public_id, checker=checker, now=NOON)
    asked.refresh_from_db()
    assert asked.state == OperationState.REQUESTED
    assert _nothing_posted()


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"checker": ADA}, "operation_maker_is_not_checker"),
        ({"checker": ADA.upper()}, "operation_maker_is_not_checker"),
        ({"state": "approved"}, "operation_decided_by_a_checker"),
        ({"state": "done"}, "operation_decided_by_a_checker"),
        ({"amount_nanousd": -1}, "operation_amount_in_range"),
        ({"reason": ""}, "operation_says_who_and_why"),
    ],
    ids=["same", "same-in-capitals", "approved", "done", "amount", "reason"],
)
def test_the_database_refuses(org: Org, changes: dict[str, Any], name: str) -> None:
    asked = _gift(org, 51)
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        OperatorRequest.objects.filter(pk=asked.pk).update(**changes)


def test_a_rejected_request_posts_nothing_and_says_why(org: Org) -> None:
    asked = reject(_gift(org, 51).public_id, checker=GRACE, why="Too much.", now=NOON)
    assert (asked.state, asked.outcome) == (OperationState.REJECTED, "Too much.")
    assert asked.checker == GRACE
    assert _nothing_posted()


def test_a_request_is_decided_once(org: Org) -> None:
    asked = _gift(org, 51)
    approve(asked.public_id, checker=GRACE, now=NOON)
    for checker in (GRACE, "operator:third@example.com"):
        with pytest.raises(MoveNotAllowed):
            approve(asked.public_id, checker=checker, now=NOON)
    asked.refresh_from_db()
    assert asked.checker == GRACE
    assert LedgerTransaction.objects.count() == 1


def test_there_is_no_such_request() -> None:
    with pytest.raises(RequestNotFound):
        approve("opreq_0", checker=GRACE, now=NOON)


def test_the_same_key_asks_once(org: Org) -> None:
    assert _gift(org, 5) == _gift(org, 5)
    assert balance(org).available_nanousd == 5 * USD


def test_the_same_key_with_another_amount_is_refused(org: Org) -> None:
    _gift(org, 5)
    with pytest.raises(LedgerKeyReused):
        _gift(org, 6)
    assert balance(org).available_nanousd == 5 * USD


@pytest.mark.parametrize("asking", [{"maker": " "}, {"reason": ""}, {"key": ""}])
def test_refuses_a_request_that_does_not_say_who_or_why(
    org: Org, asking: dict[str, str]
) -> None:
    with pytest.raises(RequestRefused):
        _gift(org, 5, **asking)
    assert not OperatorRequest.objects.exists()


@pytest.mark.parametrize("usd", [0, -5])
def test_refuses_an_amount_that_is_not_above_zero(org: Org, usd: int) -> None:
    with pytest.raises(RequestRefused):
        _gift(org, usd)
    assert not OperatorRequest.objects.exists()


def test_a_card_is_refunded_in_whole_cents(org: Org) -> None:
    with pytest.raises(RequestRefused, match="whole cents"):
        request_card_refund(
            org=org, amount_nanousd=10_000_001, asking=_asking(), now=NOON
        )


def _adjust(org: Org | None, **changes: Any) -> OperatorRequest:
    wanted: dict[str, Any] = {
        "amount_nanousd": 5 * USD,
        "debit_code": chart.AVAILABLE_PAID,
        "credit_code": chart.EXPENSE_GOODWILL,
        "asking": _asking(reason="A gift was given twice."),
    }
    return request_adjustment(org=org, now=NOON, **(wanted | changes))


def test_an_adjustment_always_needs_a_second_person() -> None:
    org = funded_org(usd=50)
    asked = _adjust(org, amount_nanousd=1)
    assert asked.state == OperationState.REQUESTED
    approve(asked.public_id, checker=GRACE, now=NOON)
    posted = LedgerTransaction.objects.get(key=f"adj:{asked.public_id}")
    assert lines_of(posted.public_id) == {
        chart.AVAILABLE_PAID: 1,
        chart.EXPENSE_GOODWILL: -1,
    }


def test_an_adjustment_that_the_balance_does_not_cover_fails_and_posts_nothing() -> (
    None
):
    org = funded_org(usd=4)
    before = Posting.objects.count()
    asked = approve(_adjust(org).public_id, checker=GRACE, now=NOON)
    assert asked.state == OperationState.FAILED
    assert "available:paid holds 4.00 USD" in asked.outcome
    assert Posting.objects.count() == before
    assert balance(org).available_nanousd == 4 * USD


@pytest.mark.parametrize(
    ("debit_code", "credit_code"),
    [
        ("reserved", "expense:goodwill"),
        ("available:promo:grant_1", "expense:promo"),
        ("suspense", "available:paid"),
        ("available:paid", "available:paid"),
        ("available:paid", "nowhere"),
    ],
)
def test_an_adjustment_leaves_alone_what_other_tables_keep(
    org: Org, debit_code: str, credit_code: str
) -> None:
    with pytest.raises(RequestRefused):
        _adjust(org, debit_code=debit_code, credit_code=credit_code)
    assert not OperatorRequest.objects.exists()


def test_an_account_of_an_org_needs_the_org() -> None:
    with pytest.raises(RequestRefused, match="needs an organization"):
        _adjust(None)


@pytest.fixture
def ticket() -> Suspense:
    """Twelve dollars that belong to nobody yet."""
    posted = post(
        kind="suspense",
        key="stripe:cs:1:suspense",
        entries=[
            debit(chart.STRIPE_CLEARING, 12 * USD),
            credit(chart.SUSPENSE, 12 * USD),
        ],
    )
    return Suspense.objects.create(
        reason=SuspenseReason.UNKNOWN_SESSION,
        amount_minor=1200,
        currency="usd",
        stripe_session_id="cs_1",
        transaction=posted,
        created_at=NOON,
        state=SuspenseState.OPEN,
        state_at=NOON,
    )


def _release(org: Org, ticket: Suspense, usd: int = 12) -> OperatorRequest:
    asked = request_suspense_release(
        org=org,
        suspense_id=ticket.public_id,
        amount_nanousd=usd * USD,
        asking=_asking(key=f"k:{usd}", reason="Their bank says so."),
        now=NOON,
    )
    return approve(asked.public_id, checker=GRACE, now=NOON)


def test_an_unmatched_payment_is_credited_and_its_ticket_closed(
    org: Org, ticket: Suspense
) -> None:
    assert _release(org, ticket).state == OperationState.DONE
    ticket.refresh_from_db()
    assert ticket.state == SuspenseState.RESOLVED
    assert ticket.resolved_by == GRACE
    assert balance_of(org, chart.AVAILABLE_PAID) == 12 * USD


def test_another_amount_than_the_ticket_holds_is_refused(
    org: Org, ticket: Suspense
) -> None:
    assert _release(org, ticket, usd=11).state == OperationState.FAILED
    ticket.refresh_from_db()
    assert ticket.state == SuspenseState.OPEN
    assert balance(org).available_nanousd == 0


def test_a_ticket_is_released_once(org: Org, ticket: Suspense) -> None:
    _release(org, ticket)
    again = request_suspense_release(
        org=org,
        suspense_id=ticket.public_id,
        amount_nanousd=12 * USD,
        asking=_asking(key="k:again"),
        now=NOON,
    )
    again = approve(again.public_id, checker=GRACE, now=NOON)
    assert again.state == OperationState.FAILED
    assert balance(org).available_nanousd == 12 * USD


def test_only_active_staff_signs() -> None:
    UserFactory.create(email="ada@example.com", is_staff=True)
    UserFactory.create(email="customer@example.com")
    assert operator_named("Ada@example.com") == ADA
    with pytest.raises(NoSuchOperator):
        operator_named("customer@example.com")


def test_every_kind_is_asked_for_by_its_word() -> None:
    assert set(OperationKind.values) == {
        "refund_card",
        "goodwill",
        "adjustment",
        "true_up",
        "release_suspense",
    }


@pytest.mark.usefixtures("committed_db")
def test_one_key_of_two_persons_at_once_asks_once() -> None:
    org = OrgFactory.create()
    with meanwhile(
        lambda: _gift(org, 50, maker=GRACE), after='FROM "billing_operatorrequest"'
    ) as other:
        asked = _gift(org, 50)
    assert other.error is None
    assert list(OperatorRequest.objects.all()) == [asked]
    assert balance(org).available_nanousd == 50 * USD
