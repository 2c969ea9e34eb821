"""Paid credits, and what Stripe took back of them."""

from enum import StrEnum
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from accounts.models import Org
from batchrouter.kit import ids
from batchrouter.kit.states import Moves, Stateful, state_known
from billing.models.checkout import CheckoutSession
from billing.models.ledger import LedgerTransaction


def new_top_up_id() -> str:
    """Make a top-up's public id."""
    return ids.new_id("topup")


class TopUp(models.Model):
    """Credits bought by one paid checkout session."""

    public_id = models.CharField(
        max_length=40, unique=True, default=new_top_up_id, editable=False
    )
    org = models.ForeignKey(Org, on_delete=models.PROTECT, related_name="+")
    checkout = models.OneToOneField(
        CheckoutSession, on_delete=models.PROTECT, related_name="top_up"
    )
    amount_nanousd = models.BigIntegerField()
    # What was paid back to the customer, in all refunds that did not fail.
    refunded_nanousd = models.BigIntegerField(default=0)
    # What banks hold or keep for disputes that were not won.
    disputed_nanousd = models.BigIntegerField(default=0)
    stripe_session_id = models.CharField(max_length=255, unique=True)
    stripe_payment_intent_id = models.CharField(max_length=255)
    # Stripe names the charge only when something happens to it.
    stripe_charge_id = models.CharField(max_length=255, blank=True)
    transaction = models.OneToOneField(
        LedgerTransaction, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(editable=False)

    class Meta:
        indexes = [models.Index(fields=["org", "-id"], name="top_up_by_org")]
        constraints = [
            models.UniqueConstraint(
                fields=["stripe_payment_intent_id"],
                condition=~Q(stripe_payment_intent_id=""),
                name="top_up_payment_once",
            ),
            models.CheckConstraint(
                condition=Q(amount_nanousd__gt=0)
                & Q(refunded_nanousd__gte=0)
                & Q(disputed_nanousd__gte=0),
                name="top_up_amounts_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(refunded_nanousd__lte=F("amount_nanousd")),
                name="top_up_refunded_within_amount",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} for {self.org_id}"

    @property
    def refundable_nanousd(self) -> int:
        """What could still be paid back to the card."""
        taken = self.refunded_nanousd + self.disputed_nanousd
        return max(0, self.amount_nanousd - taken)


class RefundState(StrEnum):
    """Where a refund stands."""

    POSTED = "posted"  # the credits are taken
    FAILED = "failed"  # the bank sent the money back: the credits are there again


REFUND_MOVES: Moves = {RefundState.POSTED: frozenset({RefundState.FAILED})}


class StripeRefund(Stateful):
    """Money that went back to the card, once for Stripe's refund id."""

    moves: ClassVar[Moves] = REFUND_MOVES

    top_up = models.ForeignKey(TopUp, on_delete=models.PROTECT, related_name="refunds")
    stripe_refund_id = models.CharField(max_length=255, unique=True)
    amount_nanousd = models.BigIntegerField()
    transaction = models.OneToOneField(
        LedgerTransaction, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_nanousd__gt=0), name="refund_amount_positive"
            ),
            state_known(RefundState, name="refund_state_known"),
        ]

    def __str__(self) -> str:
        return f"{self.stripe_refund_id}: {self.state}"


class DisputeState(StrEnum):
    """Where a dispute stands. An inquiry takes no money and is no dispute yet."""

    OPEN = "open"  # the bank withdrew the money
    LOST = "lost"  # the bank keeps it
    WON = "won"  # it came back


# A bank may think again after it kept the money; once it came back, that is the end.
DISPUTE_MOVES: Moves = {
    DisputeState.OPEN: frozenset({DisputeState.LOST, DisputeState.WON}),
    DisputeState.LOST: frozenset({DisputeState.WON}),
}


class StripeDispute(Stateful):
    """A payment that the customer's bank contests, once for Stripe's dispute id."""

    moves: ClassVar[Moves] = DISPUTE_MOVES

    top_up = models.ForeignKey(TopUp, on_delete=models.PROTECT, related_name="disputes")
    stripe_dispute_id = models.CharField(max_length=255, unique=True)
    amount_nanousd = models.BigIntegerField()
    transaction = models.OneToOneField(
        LedgerTransaction, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_nanousd__gt=0), name="dispute_amount_positive"
            ),
            state_known(DisputeState, name="dispute_state_known"),
        ]

    def __str__(self) -> str:
        return f"{self.stripe_dispute_id}: {self.state}"
