"""Whatever the order, the repeats and the losses: the same facts, the same books."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import Sum
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from batchrouter.kit.money import NANO_PER_CENT
from billing import chart
from billing.debts import written_off_nanousd
from billing.models import CheckoutSession, LedgerTransaction, Posting, StripeEvent
from billing.reconcile import run_checks
from billing.reservations import reserve, settle
from billing.selectors import balance, owed_nanousd
from billing.stripe_facts import EventFact
from billing.webhooks.inbox import receive, retry_deferred
from tests.billing.helpers import check_deferred
from tests.billing.stripe_payloads import (
    dispute_data,
    event,
    refund_data,
    session_data,
)
from tests.factories.billing import NOON
from tests.factories.payments import CheckoutSessionFactory

pytestmark = pytest.mark.django_db

PAID, FIRST, SECOND, DISPUTED = 2_500, 600, 400, 1_500


@dataclass(frozen=True)
class Story:
    """Facts, and how we hear of them. ``order`` holds places in the list of facts."""

    by_bank_debit: bool
    facts: frozenset[str]
    order: tuple[int, ...]
    dropped: frozenset[int]
    spent_cents: int


FACTS: dict[str, tuple[str, Callable[[CheckoutSession], dict[str, object]]]] = {
    "refund": ("refund.created", lambda c: refund_data(c, "re_1", FIRST)),
    "second refund": ("refund.updated", lambda c: refund_data(c, "re_2", SECOND)),
    "dispute opened": (
        "charge.dispute.created",
        lambda c: dispute_data(c, "dp_1", DISPUTED, "needs_response"),
    ),
    "funds withdrawn": (
        "charge.dispute.funds_withdrawn",
        lambda c: dispute_data(c, "dp_1", DISPUTED, "needs_response"),
    ),
    "won": (
        "charge.dispute.closed",
        lambda c: dispute_data(c, "dp_1", DISPUTED, "won"),
    ),
    "lost": (
        "charge.dispute.closed",
        lambda c: dispute_data(c, "dp_1", DISPUTED, "lost"),
    ),
}
ALWAYS = 2  # completed, and the same payment told as an asynchronous one


@st.composite
def stories(draw: st.DrawFn) -> Story:
    facts = draw(st.frozensets(st.sampled_from(sorted(FACTS))))
    places = range(len(facts) + ALWAYS)
    repeated = st.lists(st.sampled_from(places), max_size=4)
    order = draw(repeated.flatmap(lambda again: st.permutations([*places, *again])))
    return Story(
        by_bank_debit=draw(st.booleans()),
        facts=facts,
        order=tuple(order),
        dropped=draw(st.frozensets(st.sampled_from(places), max_size=3)),
        spent_cents=draw(st.sampled_from([0, 1_000, 2_000, 2_500])),
    )


def _events(story: Story, checkout: CheckoutSession) -> list[EventFact]:
    first = "unpaid" if story.by_bank_debit else "paid"
    done = session_data(checkout, payment_status=first)
    told = [
        event("checkout.session.completed", done),
        event("checkout.session.async_payment_succeeded", session_data(checkout)),
    ]
    for name in sorted(story.facts):
        kind, data = FACTS[name]
        told.append(event(kind, data(checkout)))
    return told


@contextmanager
def _scratch() -> Iterator[None]:
    """Undo everything at the end: each story starts with empty books."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _assert_books_hold() -> None:
    check_deferred()
    assert [found for found in run_checks(now=NOON) if not found.ok] == []


def _spend_once(story: Story, checkout: CheckoutSession) -> None:
    """Spend as soon as the credits are there: before anything takes them back."""
    org, purpose = checkout.org, "batch:spent"
    cents, posted = (
        story.spent_cents,
        LedgerTransaction.objects.filter(org=checkout.org),
    )
    if not cents or not posted or posted.filter(purpose=purpose).exists():
        return
    amount = cents * NANO_PER_CENT
    tomorrow = NOON + timedelta(days=1)
    reserve(
        org=org,
        purpose=purpose,
        amount_nanousd=amount,
        reason="The quoted total of a batch.",
        expires_at=tomorrow,
        now=NOON,
    )
    settle(purpose=purpose, usage_nanousd=amount, fee_nanousd=0, now=NOON)


def _expected_cents(story: Story) -> dict[str, int]:
    """Say from the facts alone where the money must be."""
    facts = story.facts
    is_disputed = bool(facts - {"refund", "second refund"}) and "won" not in facts
    taken = FIRST * ("refund" in facts) + SECOND * ("second refund" in facts)
    taken += DISPUTED * is_disputed
    left = PAID - story.spent_cents - taken
    kept = DISPUTED if is_disputed and "lost" in facts else 0
    loss = min(max(0, -left), kept)
    return {
        "available": max(0, left),
        "owed": max(0, -left) - loss,
        "given up": loss,
        "at stripe": PAID - taken,
    }


def _found_cents(checkout: CheckoutSession) -> dict[str, int]:
    clearing = Posting.objects.filter(account__code=chart.STRIPE_CLEARING)
    found = {
        "available": balance(checkout.org).available_nanousd,
        "owed": owed_nanousd(checkout.org),
        "given up": written_off_nanousd(checkout.org),
        "at stripe": clearing.aggregate(total=Sum("amount_nanousd"))["total"],
    }
    assert all(amount % NANO_PER_CENT == 0 for amount in found.values())
    return {name: amount // NANO_PER_CENT for name, amount in found.items()}


def _expected_keys(story: Story, checkout: CheckoutSession) -> set[str]:
    facts = story.facts
    return {
        key
        for key, is_posted in {
            f"stripe:cs:{checkout.stripe_session_id}:topup": True,
            "stripe:re:re_1": "refund" in facts,
            "stripe:re:re_2": "second refund" in facts,
            "stripe:dp:dp_1:open": facts - {"refund", "second refund"},
            "stripe:dp:dp_1:won": "won" in facts,
        }.items()
        if is_posted
    }


# A bank that thinks again returns what was given up, and no other debt with it.
THOUGHT_AGAIN = Story(
    by_bank_debit=False,
    facts=frozenset({"refund", "dispute opened", "lost", "won"}),
    order=(0, 1, 2, 3, 4, 5),
    dropped=frozenset(),
    spent_cents=2_000,
)


@given(story=stories())
@example(story=THOUGHT_AGAIN)
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    # A story tells all by itself, and every step of one proves all the books.
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
)
def test_one_final_ledger_for_a_set_of_facts(story: Story) -> None:
    with _scratch():
        checkout = CheckoutSessionFactory.create()
        told = _events(story, checkout)
        heard = [told[place] for place in story.order if place not in story.dropped]
        missed = [told[place] for place in sorted(story.dropped)]
        for number, one in enumerate([*heard, *missed]):
            receive(one, now=NOON + timedelta(seconds=number))
            _spend_once(story, checkout)
            _assert_books_hold()
        retry_deferred(now=NOON + timedelta(days=1))
        _assert_books_hold()
        assert _found_cents(checkout) == _expected_cents(story)
        keys = LedgerTransaction.objects.filter(key__startswith="stripe:")
        posted = set(keys.values_list("key", flat=True))
        posted = {key for key in posted if not key.endswith(":loss")}
        assert posted == _expected_keys(story, checkout)
        assert not StripeEvent.objects.filter(state="deferred").exists()
