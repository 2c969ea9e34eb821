"""Credits held for a purpose until it is settled, once."""

from enum import StrEnum
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from accounts.models import Org
from batchrouter.kit import ids
from batchrouter.kit.states import Moves, Stateful, state_known
from billing.models.ledger import LedgerAccount, LedgerTransaction


def new_reservation_id() -> str:
    """Make a reservation's public id."""
    return ids.new_id("cres")


class ReservationState(StrEnum):
    """Where a reservation stands."""

    OPEN = "open"  # the credits are held
    CLOSED = "closed"  # charged and released, which together are what was held


RESERVATION_MOVES: Moves = {
    ReservationState.OPEN: frozenset({ReservationState.CLOSED}),
}


class Reservation(Stateful):
    """Credits held for one purpose, such as ``batch:batch_01…``."""

    moves: ClassVar[Moves] = RESERVATION_MOVES

    public_id = models.CharField(
        max_length=40, unique=True, default=new_reservation_id, editable=False
    )
    org = models.ForeignKey(Org, on_delete=models.PROTECT, related_name="+")
    purpose = models.CharField(max_length=120, unique=True)
    reason = models.CharField(max_length=500)
    amount_nanousd = models.BigIntegerField()
    usage_nanousd = models.BigIntegerField(default=0)
    fee_nanousd = models.BigIntegerField(default=0)
    released_nanousd = models.BigIntegerField(default=0)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(editable=False)
    reserve_transaction = models.OneToOneField(
        LedgerTransaction, on_delete=models.PROTECT, related_name="+"
    )
    settle_transaction = models.OneToOneField(
        LedgerTransaction,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )

    class Meta:
        indexes = [
            models.Index(fields=["org", "-id"], name="reservation_by_org"),
            models.Index(
                fields=["expires_at"],
                condition=Q(state=ReservationState.OPEN),
                name="reservation_open_by_expiry",
            ),
        ]
        constraints = [
            state_known(ReservationState, name="reservation_state_known"),
            models.CheckConstraint(
                condition=Q(amount_nanousd__gt=0)
                & Q(usage_nanousd__gte=0)
                & Q(fee_nanousd__gte=0)
                & Q(released_nanousd__gte=0),
                name="reservation_amounts_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(
                    amount_nanousd__gte=F("usage_nanousd")
                    + F("fee_nanousd")
                    + F("released_nanousd")
                ),
                name="reservation_never_overdrawn",
            ),
            models.CheckConstraint(
                condition=~Q(state=ReservationState.CLOSED)
                | Q(
                    amount_nanousd=F("usage_nanousd")
                    + F("fee_nanousd")
                    + F("released_nanousd"),
                    settle_transaction__isnull=False,
                ),
                name="reservation_closed_adds_up",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} for {self.purpose}: {self.state}"

    @property
    def settled_nanousd(self) -> int:
        """What was charged: usage and fee."""
        return self.usage_nanousd + self.fee_nanousd


class ReservationLeg(models.Model):
    """The part of a reservation that one account gave, and what it got back."""

    reservation = models.ForeignKey(
        Reservation, on_delete=models.PROTECT, related_name="legs"
    )
    position = models.PositiveSmallIntegerField()
    account = models.ForeignKey(LedgerAccount, on_delete=models.PROTECT)
    amount_nanousd = models.BigIntegerField()
    released_nanousd = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["reservation", "position"], name="leg_position_once"
            ),
            models.UniqueConstraint(
                fields=["reservation", "account"], name="leg_account_once"
            ),
            models.CheckConstraint(
                condition=Q(amount_nanousd__gt=0)
                & Q(released_nanousd__gte=0)
                & Q(released_nanousd__lte=F("amount_nanousd")),
                name="leg_within_amount",
            ),
        ]

    def __str__(self) -> str:
        return f"leg {self.position} of {self.reservation_id}"
