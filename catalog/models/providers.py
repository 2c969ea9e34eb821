"""Who does the work, and how they treat the data."""

from django.db import models

from batchrouter.kit import clock


class Region(models.TextChoices):
    """Where a provider processes an item; ``global`` is anywhere."""

    GLOBAL = "global"
    EU = "eu"
    US = "us"


class PrivacyTier(models.TextChoices):
    """What a manifest asks for; each tier includes the ones before it."""

    STANDARD = "standard"  # any enabled lane
    CONFIDENTIAL = "confidential"  # not used for training, kept at most 30 days
    RESTRICTED = "restricted"  # not used for training, not kept after the answer


class Provider(models.Model):
    """A company, or a server of our own, that answers calls."""

    key = models.SlugField(max_length=40, unique=True)
    display_name = models.CharField(max_length=80)
    website = models.CharField(max_length=200)
    regions = models.JSONField(default=list)
    # None: no fixed time is stated, or it lasts until somebody deletes it.
    retention_days = models.PositiveIntegerField(null=True, blank=True)
    trains_on_data = models.BooleanField()
    zero_retention_available = models.BooleanField()
    privacy_tiers = models.JSONField(default=list)
    modes = models.JSONField(default=list)
    # Where each was read: [{fact, basis, source}], see data/providers.json.
    facts = models.JSONField(default=list)
    as_of = models.DateField()
    # The provider's tokens per o200k token, times 10,000; a model may differ.
    token_factor_bps = models.PositiveIntegerField(default=10_000)
    # Added to every item: role marks, chat template.
    message_overhead_tokens = models.PositiveIntegerField(default=16)
    # The operators' switches: the loader sets them once and leaves them alone.
    enabled = models.BooleanField(default=True)
    is_sanctioned = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            # A factor below 1 would undercut the ceiling that customers reserve.
            models.CheckConstraint(
                condition=models.Q(token_factor_bps__range=(10_000, 50_000)),
                name="provider_token_factor_range",
            ),
        ]

    def __str__(self) -> str:
        return self.key
