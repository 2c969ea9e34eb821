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
    # Whether the simulator gave the answers that were counted: those of a provider
    # whose key was set since say nothing of it.
    is_sandbox = models.BooleanField(default=False)
    recent_successes = models.FloatField(default=0.0)
    recent_failures = models.FloatField(default=0.0)
    # Of one call, over the recent successes; None before the first.
    latency_ms = models.FloatField(null=True, blank=True)
    # No new work before this instant; a past one means "on probation".
    breaker_open_until = models.DateTimeField(null=True, blank=True)
    breaker_reason = models.CharField(max_length=200, blank=True)
    # Openings in a row without a good report between them.
    trips = models.PositiveIntegerField(default=0)
    # How many calls at once it takes of all workers (routing/pacing.py); None before
    # the first; until when it takes none, and when the number was halved last.
    window_calls = models.PositiveIntegerField(null=True, blank=True)
    paused_until = models.DateTimeField(null=True, blank=True)
    halved_at = models.DateTimeField(null=True, blank=True)
    pace_revision = models.BigIntegerField(default=0)
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
    # Answers of the simulator, which count for its own lanes only.
    is_sandbox = models.BooleanField(default=False)
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
                fields=["offering", "is_sandbox", "workload_key", "day"],
                name="outcome_once_a_day",
            ),
        ]
        indexes = [models.Index(fields=["day"], name="outcome_by_day")]

    def __str__(self) -> str:
        return f"offering {self.offering_id} on {self.day}"


class JobQueue(models.Model):
    """How much may wait at a provider in jobs, as operators set it and as it said.

    The row without a model is the whole provider's; it is locked while a job takes its
    place. An empty limit takes the adapter's, if that names one.
    """

    # Its key in the catalog.
    provider = models.CharField(max_length=40)
    # The provider's own name of the model; empty for all of them.
    provider_model = models.CharField(max_length=160, blank=True)
    is_sandbox = models.BooleanField(default=False)
    tokens_max = models.BigIntegerField(null=True, blank=True)
    requests_max = models.BigIntegerField(null=True, blank=True)
    # Over all models: read from the provider's row.
    jobs_max = models.PositiveIntegerField(null=True, blank=True)
    # The provider turned a job away: none is made before this.
    full_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "is_sandbox", "provider_model"],
                name="job_queue_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.provider_model or 'all models'}"


class QueuedJob(models.Model):
    """A provider job that has not ended, and what it takes of its queue."""

    # The execution's public id.
    ref = models.CharField(max_length=40, unique=True)
    provider = models.CharField(max_length=40)
    provider_model = models.CharField(max_length=160)
    is_sandbox = models.BooleanField(default=False)
    tokens = models.BigIntegerField()
    requests = models.PositiveIntegerField()
    since = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                fields=["provider", "is_sandbox", "provider_model"],
                name="queued_job_by_queue",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ref} at {self.provider}"


class OfferingDrift(models.Model):
    """A time in which an offering answered worse than it used to."""

    offering = models.ForeignKey(
        Offering, on_delete=models.CASCADE, related_name="drifts"
    )
    # What found it: verification or golden.
    source = models.CharField(max_length=12)
    # The day that it seems to have begun, and when it was noticed and over.
    since = models.DateField()
    detected_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    # Shares of answers, for the same mix of work.
    failing_before = models.FloatField()
    failing_now = models.FloatField()
    answers = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["offering", "source"],
                condition=Q(ended_at=None),
                name="one_drift_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"offering {self.offering_id} since {self.since}"


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
