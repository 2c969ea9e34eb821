"""Accounts, transactions and postings: append-only double entry."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Org
from batchrouter.kit import ids
from batchrouter.kit.money import MAX_NANOUSD
from billing.chart import Normal


def new_transaction_id() -> str:
    """Make a ledger transaction's public id."""
    return ids.new_id("ltx")


class LedgerAccount(models.Model):
    """An account of the chart, of one organization or of ours (``org`` is null)."""

    org = models.ForeignKey(Org, on_delete=models.PROTECT, null=True, blank=True)
    code = models.CharField(max_length=80)
    normal = models.CharField(max_length=6)
    guarded = models.BooleanField()
    # On the account's normal side; only guarded accounts keep it (billing/chart.py).
    balance_nanousd = models.BigIntegerField(default=0)
    version = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["org", "code"],
                name="ledger_account_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(normal__in=[str(side) for side in Normal]),
                name="ledger_account_normal_known",
            ),
            models.CheckConstraint(
                condition=Q(guarded=False) | Q(balance_nanousd__gte=0),
                name="ledger_account_guarded_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(guarded=True) | Q(balance_nanousd=0, version=0),
                name="ledger_account_unguarded_keeps_none",
            ),
            models.CheckConstraint(
                condition=Q(balance_nanousd__lte=MAX_NANOUSD),
                name="ledger_account_within_cap",
            ),
        ]

    def __str__(self) -> str:
        return self.code if self.org_id is None else f"{self.code} of {self.org_id}"


class LedgerTransaction(models.Model):
    """Postings that belong together and add up to zero. Never changed or deleted."""

    public_id = models.CharField(
        max_length=40, unique=True, default=new_transaction_id, editable=False
    )
    kind = models.CharField(max_length=32)
    # What happened in the business, once: "batch:batch_01…:settle".
    key = models.CharField(max_length=200, unique=True)
    org = models.ForeignKey(Org, on_delete=models.PROTECT, null=True, blank=True)
    purpose = models.CharField(max_length=120, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    # Who did it; of an operator's request, the maker and the checker.
    actor = models.CharField(max_length=300)
    # Stamped by the database, the one clock that all workers share.
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["org", "-id"], name="ledger_by_org"),
            models.Index(fields=["purpose"], name="ledger_by_purpose"),
            models.Index(fields=["org", "created_at"], name="ledger_by_org_month"),
            models.Index(fields=["created_at"], name="ledger_by_time"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(kind="") & ~Q(key="") & ~Q(actor=""),
                name="ledger_transaction_named",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"


class Posting(models.Model):
    """One line of a transaction: above zero debits the account, below credits it."""

    transaction = models.ForeignKey(
        LedgerTransaction, on_delete=models.PROTECT, related_name="postings"
    )
    account = models.ForeignKey(
        LedgerAccount, on_delete=models.PROTECT, related_name="postings"
    )
    amount_nanousd = models.BigIntegerField()
    # The chain of a guarded account: its version and balance after this posting.
    account_version = models.BigIntegerField(null=True, blank=True)
    balance_after_nanousd = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(amount_nanousd=0)
                & Q(amount_nanousd__gte=-MAX_NANOUSD)
                & Q(amount_nanousd__lte=MAX_NANOUSD),
                name="posting_amount_in_range",
            ),
            models.UniqueConstraint(
                fields=["transaction", "account"], name="posting_account_once"
            ),
            # Even code that forgets the lock cannot lose an update: the second writer
            # of one version is refused.
            models.UniqueConstraint(
                fields=["account", "account_version"], name="posting_version_once"
            ),
            models.CheckConstraint(
                # Both or neither, said with IS NULL: a CHECK lets null pass.
                condition=Q(
                    account_version__isnull=True, balance_after_nanousd__isnull=True
                )
                | Q(
                    account_version__isnull=False,
                    balance_after_nanousd__isnull=False,
                    account_version__gte=1,
                    balance_after_nanousd__gte=0,
                ),
                name="posting_chain_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount_nanousd} on {self.account_id}"
