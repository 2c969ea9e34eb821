"""What routing remembers: its weights, how offerings fare, and what came of choices."""

from django.db import models

from batchrouter.kit import clock, ids
from catalog.models import Offering


def new_version_id() -> str:
    """Make a route version's public id."""
    return ids.new_id("rv")


class RouteVersion(models.Model):
    """One dated set of weights. The one activated last is in force."""

    public_id = models.CharField(max_length=40, unique=True, default=new_version_id)
    name = models.CharField(max_length=80)
    # As routing.weights.to_json writes it.
    weights = models.JSONField(default=dict)
    # None while it is a draft; decisions name the version, so it is never changed back.
    activated_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        ordering = ["-activated_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.public_id} {self.name}"


class OfferingHealth(models.Model):
    """How an offering fares right now, for all workers.

    The counts decay with a half-life of minutes (routing/breaker.py).
    """

    offering = models.OneToOneField(
        Offering, on_delete=models.CASCADE, primary_key=True, related_name="health"
    )
    recent_successes = models.FloatField(default=0.0)
    recent_failures = models.FloatField(default=0.0)
    # Of one call, over the recent successes; None before the first.
    latency_ms = models.FloatField(null=True, blank=True)
    # No new work before this instant; a past one means "on probation".
    breaker_open_until = models.DateTimeField(null=True, blank=True)
    breaker_reason = models.CharField(max_length=200, blank=True)
    # Openings in a row without a good report between them.
    trips = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "offering health"

    def __str__(self) -> str:
        return f"health of offering {self.pk}"


class RoutingOutcome(models.Model):
    """What came of an offering's items on one day, by kind of workload."""

    offering = models.ForeignKey(
        Offering, on_delete=models.CASCADE, related_name="outcomes"
    )
    # Empty where the batch names none.
    workload_key = models.CharField(max_length=64, blank=True)
    day = models.DateField()
    successes = models.BigIntegerField(default=0)
    failures = models.BigIntegerField(default=0)
    # Items whose provider job ended before their turn.
    expiries = models.BigIntegerField(default=0)
    latency_ms_sum = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["offering", "workload_key", "day"], name="outcome_once_a_day"
            ),
        ]
        indexes = [models.Index(fields=["day"], name="outcome_by_day")]

    def __str__(self) -> str:
        return f"offering {self.offering_id} on {self.day}"
