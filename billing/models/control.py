"""The stop switch and the proofs that keep it open."""

from django.db import models
from django.db.models import Q


class MoneyFreeze(models.Model):
    """Spending stands still while a row is not lifted; at most one such row exists."""

    reason = models.CharField(max_length=500)
    since = models.DateTimeField(editable=False)
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.CharField(max_length=120, blank=True)
    lift_reason = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                models.Value(1),
                condition=Q(lifted_at__isnull=True),
                name="money_freeze_one_open",
            ),
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=True)
                | (~Q(lifted_by="") & ~Q(lift_reason="")),
                name="money_freeze_lift_explained",
            ),
        ]

    def __str__(self) -> str:
        return f"frozen since {self.since:%Y-%m-%d %H:%M}: {self.reason}"


class ReconcileRun(models.Model):
    """One proof of the money invariants and what it found."""

    started_at = models.DateTimeField(editable=False)
    finished_at = models.DateTimeField(editable=False)
    # What moved since then was proved; null where everything was.
    since = models.DateTimeField(null=True, editable=False)
    is_ok = models.BooleanField()
    # [{"code": "R01", "title": "…", "ok": true, "problems": []}, …]
    results = models.JSONField()

    class Meta:
        indexes = [models.Index(fields=["-started_at"], name="reconcile_newest")]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M} {'ok' if self.is_ok else 'FAILED'}"
