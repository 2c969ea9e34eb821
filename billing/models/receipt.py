"""Signed documents, chained for each organization."""

from django.db import models
from django.db.models import Q

from accounts.models import Org
from batchrouter.kit import ids


def new_receipt_id() -> str:
    """Make a receipt's public id."""
    return ids.new_id("rcpt")


class ReceiptKind(models.TextChoices):
    """What a receipt tells."""

    ROUTE = "route"  # which lane did what, and why
    BILLING = "billing"  # what it cost
    DELETION = "deletion"  # what content was deleted


class ReceiptChain(models.Model):
    """The head of an organization's chain; whoever adds a receipt locks this row."""

    org = models.OneToOneField(
        Org, on_delete=models.PROTECT, primary_key=True, related_name="+"
    )
    last_number = models.BigIntegerField(default=0)
    last_sha256 = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"chain of {self.org_id}: {self.last_number}"


class Receipt(models.Model):
    """A document exactly as it was signed. Never changed or deleted."""

    public_id = models.CharField(
        max_length=40, unique=True, default=new_receipt_id, editable=False
    )
    org = models.ForeignKey(Org, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8, choices=ReceiptKind.choices)
    purpose = models.CharField(max_length=120)
    number = models.BigIntegerField()
    # Canonical JSON, the very bytes that were hashed and signed; jsonb would reorder.
    body = models.TextField()
    sha256 = models.CharField(max_length=64)
    previous_sha256 = models.CharField(max_length=64)
    signature = models.CharField(max_length=128)
    key_id = models.CharField(max_length=40)
    created_at = models.DateTimeField(editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["org", "number"], name="receipt_number_once"
            ),
            models.UniqueConstraint(
                fields=["kind", "purpose"], name="receipt_purpose_once"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=ReceiptKind.values), name="receipt_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(number__gte=1), name="receipt_number_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} receipt {self.public_id}"
