"""Who is told when the credits run low."""

from django.db import models
from django.db.models import Q

from accounts.models import Org
from batchrouter.kit import ids
from batchrouter.kit.money import MAX_NANOUSD, NANO_PER_USD
from billing.models.ledger import LedgerTransaction

DEFAULT_THRESHOLD_NANOUSD = 10 * NANO_PER_USD


def new_notice_id() -> str:
    """Make a notice's public id."""
    return ids.new_id("notice")


class BalanceWatch(models.Model):
    """The line below which an organization is warned, and on which side it stands."""

    org = models.OneToOneField(
        Org, on_delete=models.PROTECT, primary_key=True, related_name="+"
    )
    # Zero warns never: a balance is never below it.
    threshold_nanousd = models.BigIntegerField(default=DEFAULT_THRESHOLD_NANOUSD)
    is_below = models.BooleanField()
    notified_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    threshold_nanousd__gte=0, threshold_nanousd__lte=MAX_NANOUSD
                ),
                name="watch_threshold_in_range",
            ),
        ]

    def __str__(self) -> str:
        side = "below" if self.is_below else "above"
        return f"{self.org_id} is {side} {self.threshold_nanousd}"


class NoticeKind(models.TextChoices):
    """What a notice tells."""

    CREDITS_LOW = "credits.low"


class BalanceNotice(models.Model):
    """An outbox row: one crossing, written with the posting that crossed the line."""

    public_id = models.CharField(
        max_length=40, unique=True, default=new_notice_id, editable=False
    )
    org = models.ForeignKey(Org, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(
        max_length=16, choices=NoticeKind.choices, default=NoticeKind.CREDITS_LOW
    )
    transaction = models.OneToOneField(
        LedgerTransaction, on_delete=models.PROTECT, related_name="+"
    )
    available_nanousd = models.BigIntegerField()
    threshold_nanousd = models.BigIntegerField()
    created_at = models.DateTimeField(editable=False)
    # Set by whoever handed it on to mail and webhooks.
    handed_on_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["created_at"],
                condition=Q(handed_on_at__isnull=True),
                name="notice_waiting",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=NoticeKind.values), name="notice_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(available_nanousd__gte=0)
                & Q(available_nanousd__lt=models.F("threshold_nanousd")),
                name="notice_below_its_line",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.org_id}"
