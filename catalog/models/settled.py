"""What was bought and how it went: sums that batches hands in after settlement."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from catalog.models.offerings import Offering
from catalog.models.providers import Provider


class DemandKind(models.TextChoices):
    """What a ranking ranks."""

    MODEL = "model"
    WORKFLOW = "workflow"


class SettledDemand(models.Model):
    """Settled work of one day, by what was bought and who did it.

    Each work stands in four rows: with its provider and operation, and with either or
    both empty, which means "any". So a ranking under any filter reads its own rows
    only, and a batch that two providers served is one batch where no provider is asked
    for.
    """

    day = models.DateField()
    kind = models.CharField(max_length=8, choices=DemandKind.choices)
    slug = models.CharField(max_length=120)
    provider = models.CharField(max_length=40)
    operation = models.CharField(max_length=12)
    # The first three orgs: enough to tell whether fewer than three stand behind it.
    org_ids = ArrayField(models.BigIntegerField(), default=list)
    items = models.BigIntegerField(default=0)
    tokens = models.BigIntegerField(default=0)
    batches = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "provider", "operation", "day", "slug"],
                # All that a ranking reads: 180 days of it lie on thousands of pages.
                include=["items", "tokens", "batches", "org_ids"],
                name="settled_demand_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.kind} {self.slug} by {self.provider} ({self.pk})"


class ProviderHour(models.Model):
    """Calls that a provider answered, and those it failed, in one hour."""

    provider = models.ForeignKey(
        Provider, on_delete=models.CASCADE, related_name="hours"
    )
    hour = models.DateTimeField()
    succeeded = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "hour"], name="provider_hour_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider_id} at {self.hour:%Y-%m-%d %H}"


class LatencyHour(models.Model):
    """Direct calls of one hour that an offering answered, by how long they took."""

    offering = models.ForeignKey(
        Offering, on_delete=models.CASCADE, related_name="latency_hours"
    )
    hour = models.DateTimeField()
    # As catalog/latencies.py numbers them.
    step = models.PositiveSmallIntegerField()
    calls = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["offering", "hour", "step"], name="latency_hour_once"
            ),
        ]
        indexes = [models.Index(fields=["hour"], name="latency_by_hour")]

    def __str__(self) -> str:
        return f"{self.offering_id} at {self.hour:%Y-%m-%d %H} step {self.step}"
