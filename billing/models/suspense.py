"""Payments that we cannot give to an organization; a person must look at each."""

from enum import StrEnum
from typing import ClassVar

from django.db import models
from django.db.models import Q

from accounts.models import Org
from batchrouter.kit import ids
from batchrouter.kit.states import Moves, Stateful, state_known
from billing.models.ledger import LedgerTransaction


def new_suspense_id() -> str:
    """Make a suspense ticket's public id."""
    return ids.new_id("susp")


class SuspenseState(StrEnum):
    """Where a ticket stands."""

    OPEN = "open"  # nobody has decided yet
    RESOLVED = "resolved"  # the payment was given to somebody, or paid back


SUSPENSE_MOVES: Moves = {SuspenseState.OPEN: frozenset({SuspenseState.RESOLVED})}


class SuspenseReason(models.TextChoices):
    """Why a payment was not credited."""

    UNKNOWN_SESSION = "unknown_session"  # we never opened this session
    WRONG_CURRENCY = "wrong_currency"  # not in dollars: the ledger holds dollars only


class Suspense(Stateful):
    """A ticket for one payment. ``transaction`` holds its dollars, if it is dollars."""

    moves: ClassVar[Moves] = SUSPENSE_MOVES

    public_id = models.CharField(
        max_length=40, unique=True, default=new_suspense_id, editable=False
    )
    reason = models.CharField(max_length=20, choices=SuspenseReason.choices)
    # In the smallest unit of the currency, as Stripe counts.
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    stripe_session_id = models.CharField(max_length=255, unique=True)
    stripe_payment_intent_id = models.CharField(max_length=255, blank=True)
    # Who it may belong to: a hint for people, never acted upon.
    org_hint = models.ForeignKey(
        Org, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    transaction = models.OneToOneField(
        LedgerTransaction,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    created_at = models.DateTimeField(editable=False)
    resolved_by = models.CharField(max_length=120, blank=True)
    resolution = models.CharField(max_length=500, blank=True)
    resolving_transaction = models.OneToOneField(
        LedgerTransaction,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )

    class Meta:
        indexes = [
            models.Index(
                fields=["stripe_payment_intent_id"], name="suspense_by_payment"
            ),
        ]
        constraints = [
            state_known(SuspenseState, name="suspense_state_known"),
            models.CheckConstraint(
                condition=~Q(state="resolved")
                | (~Q(resolved_by="") & ~Q(resolution="")),
                name="suspense_resolution_explained",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id}: {self.reason}"
