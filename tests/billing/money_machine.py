"""Credits as a plain-Python model, driven beside the database by Hypothesis.

After every step the model equals the database, every proof of ``ledger_reconcile``
holds, and the database judges what it would judge at a commit.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from accounts.models import Org
from batchrouter.kit.money import NANO_PER_CENT
from billing import chart
from billing.balance_watch import low_balance, threshold_of
from billing.clawbacks import post_dispute, post_refund
from billing.debts import CreditsOwed, written_off_nanousd
from billing.grants import expire_all_due_grants, grant_credits
from billing.ledger import InsufficientCredits
from billing.models import (
    BalanceWatch,
    CheckoutSession,
    CheckoutState,
    DisputeState,
    LedgerAccount,
    OperationState,
    TopUp,
)
from billing.operations import Asking, Limits, request_goodwill
from billing.reconcile import run_checks
from billing.reservations import release, reserve, settle
from billing.selectors import balance, owed_nanousd
from billing.stripe_facts import DisputeFact, RefundFact, SessionFact
from billing.top_ups import credit_paid_session
from tests.billing.helpers import check_deferred
from tests.factories.accounts import OrgFactory

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
FAR = timedelta(days=3650)
EVERYTHING = Limits(alone_nanousd=10**17, alone_day_nanousd=10**18)

cents = st.integers(min_value=50, max_value=20_000)
nanos = st.integers(min_value=1, max_value=50_000_000_000)


@dataclass
class Promo:
    """A promotional grant: what is left, and until when."""

    code: str
    left: int
    expires_at: datetime | None


@dataclass
class Payment:
    """A payment, in nano-dollars."""

    row: int
    intent: str
    amount: int
    refunded: int = 0
    disputed: int = 0

    @property
    def left_cents(self) -> int:
        return (self.amount - self.refunded - self.disputed) // NANO_PER_CENT


@dataclass
class Model:
    """What the database should say."""

    now: datetime
    paid: int = 0
    promos: list[Promo] = field(default_factory=list)
    held: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    owed: int = 0
    given_up: int = 0
    kept_by_banks: int = 0
    payments: list[Payment] = field(default_factory=list)
    refunds: dict[str, tuple[Payment, int, bool]] = field(default_factory=dict)
    disputes: dict[str, tuple[Payment, int, str]] = field(default_factory=dict)

    def repay(self) -> None:
        part = min(self.owed, self.paid)
        self.owed -= part
        self.paid -= part

    def square(self) -> None:
        self.repay()
        loss = max(0, min(self.owed, self.kept_by_banks - self.given_up))
        self.owed -= loss
        self.given_up += loss

    def take(self, amount: int) -> None:
        covered = min(amount, self.paid)
        self.paid -= covered
        self.owed += amount - covered
        self.square()

    def give(self, amount: int) -> None:
        short = self.owed + self.given_up
        left = max(0, short - amount)
        self.paid += amount - (short - left)
        # A loss stands only as far as a bank keeps the money; the rest is owed again.
        self.given_up = min(self.given_up, left, self.kept_by_banks)
        self.owed = left - self.given_up
        self.square()

    def expire(self) -> None:
        for promo in self.promos:
            if promo.expires_at is not None and promo.expires_at <= self.now:
                promo.left = 0

    def spendable(self) -> list[Promo]:
        """Promotional credits in the order they are spent; sorting is stable."""
        never = self.now + FAR
        return sorted(self.promos, key=lambda promo: promo.expires_at or never)

    def hold(self, purpose: str, amount: int) -> None:
        """Hold an amount, the soonest to expire first, then paid credit."""
        legs = []
        for promo in self.spendable():
            part = min(amount, promo.left)
            if part:
                promo.left -= part
                amount -= part
                legs.append((promo.code, part))
        if amount:
            self.paid -= amount
            legs.append((chart.AVAILABLE_PAID, amount))
        self.held[purpose] = legs

    def close(self, purpose: str, charged: int) -> None:
        """Charge, and give the rest back, the leg that was taken last first."""
        legs = self.held.pop(purpose)
        rest = sum(part for _, part in legs) - charged
        for code, part in reversed(legs):
            back = min(rest, part)
            rest -= back
            if code == chart.AVAILABLE_PAID:
                self.paid += back
            else:
                next(one for one in self.promos if one.code == code).left += back
        self.expire()

    @property
    def reserved(self) -> int:
        return sum(part for legs in self.held.values() for _, part in legs)

    @property
    def available(self) -> int:
        return self.paid + sum(promo.left for promo in self.promos)


class MoneyMachine(RuleBasedStateMachine):
    """One organization through anything that can happen to its credits."""

    steps: Counter[str] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.org: Org = OrgFactory.create()
        self.model = Model(now=START)
        self.count = 0

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    def name(self, word: str) -> str:
        self.count += 1
        self.steps[word] += 1
        return f"{word}:{self.count}"

    @initialize(paid=cents)
    def begin(self, paid: int) -> None:
        self.buy(paid)

    @rule(paid=cents)
    def buy(self, paid: int) -> None:
        name = self.name("top_up")
        checkout = CheckoutSession.objects.create(
            org=self.org,
            pack_code="credit",
            amount_nanousd=paid * NANO_PER_CENT,
            price_cents=paid,
            stripe_customer_id="cus",
            stripe_session_id=f"cs:{name}",
            request_sha256="0" * 64,
            state=CheckoutState.OPEN,
            state_at=self.model.now,
            created_at=self.model.now,
        )
        fact = SessionFact(
            id=f"cs:{name}",
            url="",
            status="complete",
            mode="payment",
            payment_status="paid",
            amount_cents=paid,
            currency="usd",
            customer_id="cus",
            payment_intent_id=f"pi:{name}",
            reference=checkout.public_id,
            expires_at=None,
        )
        credit_paid_session(paid=fact, now=self.model.now)
        # Every event may come twice.
        made = credit_paid_session(paid=fact, now=self.model.now)
        assert isinstance(made, TopUp)
        amount = paid * NANO_PER_CENT
        self.model.payments.append(Payment(made.pk, fact.payment_intent_id, amount))
        self.model.paid += amount
        self.model.repay()

    @rule(amount=nanos, hours=st.none() | st.integers(min_value=1, max_value=72))
    def grant(self, amount: int, hours: int | None) -> None:
        expires_at = None if hours is None else self.model.now + timedelta(hours=hours)
        made = grant_credits(
            org=self.org,
            amount_nanousd=amount,
            reason="a test",
            actor="operator:test",
            key=self.name("grant"),
            is_promo=True,
            expires_at=expires_at,
        )
        self.model.promos.append(Promo(made.account.code, amount, expires_at))

    @rule(amount=nanos)
    def goodwill(self, amount: int) -> None:
        asking = Asking("operator:test", "a test", self.name("goodwill"), EVERYTHING)
        asked = request_goodwill(
            org=self.org, amount_nanousd=amount, asking=asking, now=self.model.now
        )
        assert asked.state == OperationState.DONE
        self.model.paid += amount
        self.model.repay()

    @rule(percent=st.integers(min_value=1, max_value=120))
    def reserve(self, percent: int) -> None:
        amount = max(1, self.model.available * percent // 100)
        purpose = self.name("batch")
        try:
            with transaction.atomic():
                reserve(
                    org=self.org,
                    purpose=purpose,
                    amount_nanousd=amount,
                    reason="a test",
                    expires_at=self.model.now + FAR,
                    now=self.model.now,
                )
        except CreditsOwed:
            assert self.model.owed > self.model.paid
            return
        except InsufficientCredits:
            spendable = self._spendable_now()
            assert amount > spendable
            return
        self.model.repay()
        assert self.model.owed == 0
        self.model.expire()
        self.model.hold(purpose, amount)

    def _spendable_now(self) -> int:
        alive = sum(
            promo.left
            for promo in self.model.promos
            if promo.expires_at is None or promo.expires_at > self.model.now
        )
        return alive + self.model.paid - min(self.model.owed, self.model.paid)

    @precondition(lambda self: self.model.held)
    @rule(data=st.data(), percent=st.integers(min_value=0, max_value=100))
    def settle(self, data: st.DataObject, percent: int) -> None:
        self.name("settle")
        purpose = data.draw(st.sampled_from(sorted(self.model.held)))
        charged = sum(part for _, part in self.model.held[purpose]) * percent // 100
        fee = charged // 21
        for _ in range(2):
            settle(
                purpose=purpose,
                usage_nanousd=charged - fee,
                fee_nanousd=fee,
                now=self.model.now,
            )
        self.model.close(purpose, charged)

    @precondition(lambda self: self.model.held)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        self.name("release")
        purpose = data.draw(st.sampled_from(sorted(self.model.held)))
        release(purpose=purpose, now=self.model.now)
        self.model.close(purpose, 0)

    def _payment(self, data: st.DataObject) -> tuple[Payment, int]:
        able = [one for one in self.model.payments if one.left_cents]
        payment = data.draw(st.sampled_from(able))
        return payment, data.draw(st.integers(1, payment.left_cents))

    def _refund_fact(self, name: str, status: str) -> RefundFact:
        payment, amount, _ = self.model.refunds[name]
        return RefundFact(
            id=f"re:{name}",
            status=status,
            amount_cents=amount // NANO_PER_CENT,
            currency="usd",
            payment_intent_id=payment.intent,
            charge_id="",
            reference="",
        )

    def _hear_refund(self, name: str, status: str) -> None:
        payment = self.model.refunds[name][0]
        for _ in range(2):
            top_up = TopUp.objects.select_for_update().get(pk=payment.row)
            fact = self._refund_fact(name, status)
            post_refund(top_up=top_up, fact=fact, now=self.model.now)

    @precondition(lambda self: any(one.left_cents for one in self.model.payments))
    @rule(data=st.data())
    def refund(self, data: st.DataObject) -> None:
        payment, part = self._payment(data)
        name, amount = self.name("refund"), part * NANO_PER_CENT
        self.model.refunds[name] = (payment, amount, True)
        self._hear_refund(name, "succeeded")
        payment.refunded += amount
        self.model.take(amount)

    @precondition(lambda self: any(row[2] for row in self.model.refunds.values()))
    @rule(data=st.data())
    def refund_fails(self, data: st.DataObject) -> None:
        self.name("refund_fails")
        alive = sorted(name for name, row in self.model.refunds.items() if row[2])
        name = data.draw(st.sampled_from(alive))
        payment, amount, _ = self.model.refunds[name]
        self._hear_refund(name, "failed")
        self.model.refunds[name] = (payment, amount, False)
        payment.refunded -= amount
        self.model.give(amount)

    def _hear_dispute(self, name: str, outcome: DisputeState) -> None:
        payment, amount, _ = self.model.disputes[name]
        fact = DisputeFact(
            id=f"dp:{name}",
            status=str(outcome),
            amount_cents=amount // NANO_PER_CENT,
            currency="usd",
            payment_intent_id=payment.intent,
            charge_id="",
        )
        for _ in range(2):
            top_up = TopUp.objects.select_for_update().get(pk=payment.row)
            post_dispute(top_up=top_up, fact=fact, outcome=outcome, now=self.model.now)

    @precondition(lambda self: any(one.left_cents for one in self.model.payments))
    @rule(data=st.data())
    def dispute(self, data: st.DataObject) -> None:
        payment, part = self._payment(data)
        name, amount = self.name("dispute"), part * NANO_PER_CENT
        self.model.disputes[name] = (payment, amount, "open")
        self._hear_dispute(name, DisputeState.OPEN)
        payment.disputed += amount
        self.model.take(amount)

    def _pick_dispute(self, data: st.DataObject, *states: str) -> str:
        rows = self.model.disputes.items()
        return data.draw(
            st.sampled_from(sorted(name for name, row in rows if row[2] in states))
        )

    @precondition(lambda self: "open" in self._dispute_states())
    @rule(data=st.data())
    def dispute_lost(self, data: st.DataObject) -> None:
        self.name("dispute_lost")
        name = self._pick_dispute(data, "open")
        payment, amount, _ = self.model.disputes[name]
        self._hear_dispute(name, DisputeState.LOST)
        self.model.disputes[name] = (payment, amount, "lost")
        self.model.kept_by_banks += amount
        self.model.square()

    @precondition(lambda self: {"open", "lost"} & self._dispute_states())
    @rule(data=st.data())
    def dispute_won(self, data: st.DataObject) -> None:
        self.name("dispute_won")
        name = self._pick_dispute(data, "open", "lost")
        payment, amount, state = self.model.disputes[name]
        self._hear_dispute(name, DisputeState.WON)
        self.model.disputes[name] = (payment, amount, "won")
        if state == "lost":
            self.model.kept_by_banks -= amount
        payment.disputed -= amount
        self.model.give(amount)

    def _dispute_states(self) -> set[str]:
        return {row[2] for row in self.model.disputes.values()}

    @rule(hours=st.integers(min_value=1, max_value=30))
    def time_passes(self, hours: int) -> None:
        self.name("time")
        self.model.now += timedelta(hours=hours)

    @rule()
    def expiry(self) -> None:
        self.name("expiry")
        expire_all_due_grants(now=self.model.now)
        self.model.expire()

    @invariant()
    def the_model_is_the_database(self) -> None:
        found = dict(
            LedgerAccount.objects.filter(org=self.org, guarded=True).values_list(
                "code", "balance_nanousd"
            )
        )
        expected: dict[str, Any] = {
            promo.code: promo.left for promo in self.model.promos
        }
        if found:
            expected |= {
                chart.AVAILABLE_PAID: self.model.paid,
                chart.RESERVED: self.model.reserved,
            }
        assert found == expected
        assert owed_nanousd(self.org) == self.model.owed
        assert written_off_nanousd(self.org) == self.model.given_up
        self._watch_agrees()

    def _watch_agrees(self) -> None:
        if BalanceWatch.objects.filter(org=self.org).exists():
            is_below = balance(self.org).available_nanousd < threshold_of(self.org)
            assert (low_balance(self.org) is not None) == is_below

    @invariant()
    def every_proof_holds(self) -> None:
        check_deferred()
        assert [one for one in run_checks(now=START) if not one.ok] == []
