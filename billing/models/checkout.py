"""A customer's way to a hosted payment page, and how it ended."""

from enum import StrEnum
from typing import ClassVar

from django.db import models
from django.db.models import Q

from accounts.models import Org
from batchrouter.kit import ids
from batchrouter.kit.states import Moves, Stateful, state_known


def new_checkout_id() -> str:
    """Make a checkout session's public id."""
    return ids.new_id("cks")


class CheckoutState(StrEnum):
    """Where a checkout session stands."""

    OPEN = "open"  # the customer may still pay
    COMPLETE = "complete"  # the customer went through; the money may still be coming
    EXPIRED = "expired"  # nobody paid in time


# A payment that Stripe vouches for counts, even where its expiry was told first.
CHECKOUT_MOVES: Moves = {
    CheckoutState.OPEN: frozenset({CheckoutState.COMPLETE, CheckoutState.EXPIRED}),
    CheckoutState.EXPIRED: frozenset({CheckoutState.COMPLETE}),
}


class PaymentStatus(models.TextChoices):
    """How far the money is; a later word stands above all before it."""

    UNPAID = "unpaid"
    PROCESSING = "processing"  # a bank debit is on its way
    FAILED = "failed"  # the bank refused it
    PAID = "paid"


class CheckoutSession(Stateful):
    """The intent to sell a pack.

    Written before Stripe is asked, so that a crash in between repeats the question
    under the same idempotency key.
    """

    moves: ClassVar[Moves] = CHECKOUT_MOVES

    public_id = models.CharField(
        max_length=40, unique=True, default=new_checkout_id, editable=False
    )
    org = models.ForeignKey(Org, on_delete=models.PROTECT, related_name="+")
    # What was sold, as it was at that moment.
    pack_code = models.CharField(max_length=40)
    amount_nanousd = models.BigIntegerField()
    price_cents = models.PositiveIntegerField()
    # The caller's Idempotency-Key or the form's nonce; empty where none was sent.
    request_key = models.CharField(max_length=255, blank=True)
    request_sha256 = models.CharField(max_length=64)
    stripe_customer_id = models.CharField(max_length=255, blank=True)
    # Null until Stripe has answered.
    stripe_session_id = models.CharField(
        max_length=255, null=True, blank=True, unique=True
    )
    stripe_payment_intent_id = models.CharField(max_length=255, blank=True)
    url = models.TextField(blank=True)
    payment_status = models.CharField(
        max_length=12, choices=PaymentStatus.choices, default=PaymentStatus.UNPAID
    )
    created_at = models.DateTimeField(editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["org", "-id"], name="checkout_by_org"),
            models.Index(
                fields=["payment_status", "id"],
                condition=Q(payment_status="processing"),
                name="checkout_processing",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["org", "request_key"],
                condition=~Q(request_key=""),
                name="checkout_request_key_once",
            ),
            state_known(CheckoutState, name="checkout_state_known"),
            models.CheckConstraint(
                condition=Q(payment_status__in=PaymentStatus.values),
                name="checkout_payment_status_known",
            ),
            models.CheckConstraint(
                condition=Q(amount_nanousd__gt=0) & Q(price_cents__gt=0),
                name="checkout_amount_positive",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} for {self.pack_code}: {self.state}"
