"""What operators ask for and decide: the maker, the checker, and what became of it."""

from enum import StrEnum
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from accounts.models import Org
from batchrouter.kit import ids
from batchrouter.kit.money import MAX_NANOUSD, NANO_PER_CENT
from batchrouter.kit.states import Moves, Stateful, state_known
from billing.models.ledger import LedgerTransaction


def new_request_id() -> str:
    """Make an operator request's public id."""
    return ids.new_id("opreq")


def new_refund_id() -> str:
    """Make a card refund's public id, the key that our payment provider gets."""
    return ids.new_id("crefund")


class OperationKind(models.TextChoices):
    """What an operator may ask for."""

    REFUND_CARD = "refund_card"  # unused paid credit back to the card
    GOODWILL = "goodwill"  # paid-like credit as a gift
    ADJUSTMENT = "adjustment"  # a correction between two accounts
    TRUE_UP = "true_up"  # a provider's invoice less what was booked
    RELEASE_SUSPENSE = "release_suspense"  # an unmatched payment, matched by a person


class OperationState(StrEnum):
    """Where a request stands."""

    REQUESTED = "requested"  # somebody else has to look
    APPROVED = "approved"  # it is being carried out
    DONE = "done"  # everything is posted
    FAILED = "failed"  # refused by the books or by the bank; nothing is left of it
    REJECTED = "rejected"  # the checker said no


OPERATION_MOVES: Moves = {
    OperationState.REQUESTED: frozenset(
        {OperationState.APPROVED, OperationState.REJECTED}
    ),
    OperationState.APPROVED: frozenset({OperationState.DONE, OperationState.FAILED}),
}
_UNDECIDED = (OperationState.REQUESTED,)


class OperatorRequest(Stateful):
    """A movement of money that a person asked for and another person approved."""

    moves: ClassVar[Moves] = OPERATION_MOVES

    public_id = models.CharField(
        max_length=40, unique=True, default=new_request_id, editable=False
    )
    # The maker's own key: the same request sent twice is made once.
    key = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=16, choices=OperationKind.choices)
    org = models.ForeignKey(
        Org, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    provider = models.CharField(max_length=40, blank=True)
    # Above zero; only a true-up may be below, where the invoice is less than booked.
    amount_nanousd = models.BigIntegerField()
    # What it is about: a top-up, a suspense row, an invoice's number.
    reference = models.CharField(max_length=120, blank=True)
    # Of a true-up: the month as 2026-11, and what was booked when it was asked for.
    month = models.CharField(max_length=7, blank=True)
    booked_nanousd = models.BigIntegerField(null=True, blank=True)
    # Of an adjustment: the accounts of the chart.
    debit_code = models.CharField(max_length=80, blank=True)
    credit_code = models.CharField(max_length=80, blank=True)
    reason = models.CharField(max_length=400)
    maker = models.CharField(max_length=140)
    # Empty where the amount is within what one person may do alone.
    checker = models.CharField(max_length=140, blank=True)
    needs_checker = models.BooleanField()
    outcome = models.CharField(max_length=500, blank=True)
    transaction = models.OneToOneField(
        LedgerTransaction,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    created_at = models.DateTimeField(editable=False)

    class Meta:
        indexes = [
            models.Index(
                fields=["maker", "created_at"],
                condition=Q(needs_checker=False),
                name="operation_alone_by_maker",
            ),
        ]
        constraints = [
            state_known(OperationState, name="operation_state_known"),
            models.CheckConstraint(
                condition=Q(kind__in=OperationKind.values), name="operation_kind_known"
            ),
            models.CheckConstraint(
                condition=~Q(reason="") & ~Q(maker="") & ~Q(key=""),
                name="operation_says_who_and_why",
            ),
            models.CheckConstraint(
                condition=(
                    Q(amount_nanousd__gt=0)
                    | Q(kind=OperationKind.TRUE_UP, amount_nanousd__lt=0)
                )
                & Q(amount_nanousd__gte=-MAX_NANOUSD)
                & Q(amount_nanousd__lte=MAX_NANOUSD),
                name="operation_amount_in_range",
            ),
            models.CheckConstraint(
                condition=Q(checker="") | ~Q(checker__iexact=F("maker")),
                name="operation_maker_is_not_checker",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[str(state) for state in _UNDECIDED])
                | Q(needs_checker=False)
                | ~Q(checker=""),
                name="operation_decided_by_a_checker",
            ),
            models.CheckConstraint(
                condition=Q(kind=OperationKind.TRUE_UP, org__isnull=True)
                & ~Q(provider="")
                & ~Q(month="")
                | ~Q(kind=OperationKind.TRUE_UP) & Q(provider=""),
                name="operation_true_up_names_its_provider",
            ),
            models.CheckConstraint(
                condition=Q(org__isnull=False)
                | Q(kind__in=[OperationKind.TRUE_UP, OperationKind.ADJUSTMENT]),
                name="operation_names_its_org",
            ),
            # One true-up a provider's invoice, however often it is asked for.
            models.UniqueConstraint(
                fields=["provider", "month", "reference"],
                condition=Q(kind=OperationKind.TRUE_UP)
                & ~Q(state__in=["rejected", "failed"]),
                name="operation_true_up_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}: {self.state}"


class CardRefundState(StrEnum):
    """Where the refund of one payment stands."""

    POSTED = "posted"  # taken from the credits; the bank is asked until it answers
    CONFIRMED = "confirmed"  # the payment provider took it
    REVERSED = "reversed"  # it refused, and the credits are back


CARD_REFUND_MOVES: Moves = {
    CardRefundState.POSTED: frozenset(
        {CardRefundState.CONFIRMED, CardRefundState.REVERSED}
    ),
    # A bank may send a confirmed refund back days later.
    CardRefundState.CONFIRMED: frozenset({CardRefundState.REVERSED}),
}


class CardRefund(Stateful):
    """The part of a refund that goes back to one payment, whole cents.

    Its ``public_id`` is the idempotency key of the call and stands in the refund's
    metadata, so that a webhook about it finds what is posted already.
    """

    moves: ClassVar[Moves] = CARD_REFUND_MOVES

    public_id = models.CharField(
        max_length=40, unique=True, default=new_refund_id, editable=False
    )
    request = models.ForeignKey(
        OperatorRequest, on_delete=models.PROTECT, related_name="refunds"
    )
    org = models.ForeignKey(Org, on_delete=models.PROTECT, related_name="+")
    top_up_id = models.CharField(max_length=40)
    payment_intent_id = models.CharField(max_length=120)
    amount_nanousd = models.BigIntegerField()
    transaction = models.OneToOneField(
        LedgerTransaction, on_delete=models.PROTECT, related_name="+"
    )
    reversal = models.OneToOneField(
        LedgerTransaction,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    # The payment provider's own id, known once it answered.
    stripe_refund_id = models.CharField(max_length=120, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(editable=False)

    class Meta:
        indexes = [
            models.Index(
                fields=["created_at"],
                condition=Q(state=CardRefundState.POSTED),
                name="card_refund_waiting",
            ),
            models.Index(fields=["top_up_id"], name="card_refund_by_top_up"),
        ]
        constraints = [
            state_known(CardRefundState, name="card_refund_state_known"),
            models.CheckConstraint(
                condition=Q(amount_nanousd__gt=0), name="card_refund_above_zero"
            ),
            models.CheckConstraint(
                condition=~Q(state=CardRefundState.REVERSED)
                | Q(reversal__isnull=False),
                name="card_refund_reversed_by_postings",
            ),
            models.UniqueConstraint(
                fields=["stripe_refund_id"],
                condition=~Q(stripe_refund_id=""),
                name="card_refund_stripe_id_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} of {self.payment_intent_id}: {self.state}"

    @property
    def amount_cents(self) -> int:
        """The amount in whole cents, exactly."""
        return self.amount_nanousd // NANO_PER_CENT
