"""Credits that an operator gave."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Org
from batchrouter.kit import ids
from billing.models.ledger import LedgerAccount, LedgerTransaction


def new_grant_id() -> str:
    """Make a grant's public id."""
    return ids.new_id("grant")


class Grant(models.Model):
    """Credits given by an operator, who and why.

    A promotional grant has an account of its own, is spent before paid credits, the
    soonest to expire first, and may expire. Any other is like paid credit.
    """

    public_id = models.CharField(
        max_length=40, unique=True, default=new_grant_id, editable=False
    )
    org = models.ForeignKey(Org, on_delete=models.PROTECT, related_name="+")
    # The operator's own key: the same grant sent twice is made once.
    key = models.CharField(max_length=120)
    amount_nanousd = models.BigIntegerField()
    is_promo = models.BooleanField()
    expires_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=500)
    actor = models.CharField(max_length=120)
    account = models.ForeignKey(
        LedgerAccount, on_delete=models.PROTECT, related_name="grants"
    )
    transaction = models.OneToOneField(
        LedgerTransaction, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["org", "key"], name="grant_key_once"),
            models.CheckConstraint(
                condition=Q(amount_nanousd__gt=0), name="grant_amount_positive"
            ),
            models.CheckConstraint(
                condition=~Q(reason="") & ~Q(actor="") & ~Q(key=""),
                name="grant_says_why",
            ),
            models.CheckConstraint(
                condition=Q(is_promo=True) | Q(expires_at__isnull=True),
                name="grant_only_promo_expires",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} for {self.org_id}"
