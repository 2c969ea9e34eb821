"""What routing remembers: weights, keys at providers, how offerings fared."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from batchrouter.kit import clock, ids
from catalog.models import Offering


def new_version_id() -> str:
    """Make a route version's public id."""
    return ids.new_id("rv")


def new_credential_id() -> str:
    """Make a credential's public id."""
    return ids.new_id("cred")


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
    # Calls at once that the worker which reported last allows itself; None before.
    window_calls = models.PositiveIntegerField(null=True, blank=True)
    # When each kind of failure was reported last: {kind: ISO 8601 instant}.
    last_failures = models.JSONField(default=dict, blank=True)
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "offering health"

    def __str__(self) -> str:
        return f"health of offering {self.pk}"


class Lane(Offering):
    """An offering, as operators watch it work."""

    class Meta:
        proxy = True

    def __str__(self) -> str:
        return f"{self.provider.key} {self.provider_model} {self.mode} {self.region}"


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


class ProviderCredential(models.Model):
    """A key at a provider: waiting for its check, active, or retired."""

    public_id = models.CharField(max_length=40, unique=True, default=new_credential_id)
    # Its key in the catalog.
    provider = models.CharField(max_length=40)
    label = models.CharField(max_length=80, blank=True)
    # As kit.sealing writes it; emptied when the credential retires.
    ciphertext = models.TextField(blank=True)
    # Empty where the secret is so short that they would tell much of it.
    last_four = models.CharField(max_length=4, blank=True)
    # Empty: where the settings, else the provider itself, say.
    base_url = models.CharField(max_length=300, blank=True)
    is_active = models.BooleanField(default=False)
    # The last check, and what came of it (routing/credential_checks.py).
    checked_at = models.DateTimeField(null=True, blank=True)
    check_outcome = models.CharField(max_length=40, blank=True)
    # None where it was made on the command line.
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["provider"],
                condition=Q(is_active=True),
                name="one_active_credential",
            ),
            models.CheckConstraint(
                condition=Q(retired_at=None) | Q(is_active=False, ciphertext=""),
                name="a_retired_credential_is_empty",
            ),
            models.CheckConstraint(
                condition=Q(is_active=False) | ~Q(ciphertext=""),
                name="an_active_credential_has_a_key",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} …{self.last_four}"
