"""API keys, and what keys may spend."""

from datetime import datetime

from django.db import models

from accounts.models.people import Org, User
from batchrouter.kit import clock, ids


def new_key_id() -> str:
    """Make an API key's public id (not the secret)."""
    return ids.new_id("key")


class Scope(models.TextChoices):
    """What a key may do."""

    QUOTE = "quote"
    SUBMIT = "submit"
    READ = "read"
    CANCEL = "cancel"
    BILLING = "billing"
    ADMIN = "admin"


class SpendLimit(models.Model):
    """What a key, and those that replace it or that it makes, may spend in all.

    ``spent_nanousd`` moves in the transaction of the reservation and of its
    settlement: what is held counts as spent until it comes back.
    """

    limit_nanousd = models.BigIntegerField()
    spent_nanousd = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(limit_nanousd__gt=0), name="spend_limit_above_zero"
            ),
            models.CheckConstraint(
                condition=models.Q(spent_nanousd__gte=0)
                & models.Q(spent_nanousd__lte=models.F("limit_nanousd")),
                name="spend_within_limit",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.spent_nanousd} of {self.limit_nanousd} nano-dollars"


class ApiKey(models.Model):
    """A key of an organization. Only its SHA-256 is kept."""

    public_id = models.CharField(max_length=40, unique=True, default=new_key_id)
    org = models.ForeignKey(Org, on_delete=models.CASCADE, related_name="api_keys")
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True
    )
    name = models.CharField(max_length=80)
    # The first characters, to tell keys apart in lists: "ob_live_4fK2".
    prefix = models.CharField(max_length=16)
    digest = models.BinaryField(max_length=32, unique=True)
    is_test = models.BooleanField(default=False)
    scopes = models.JSONField(default=list)
    spend_limit = models.ForeignKey(
        SpendLimit, on_delete=models.PROTECT, null=True, blank=True
    )
    # The key that this one takes over from.
    replaces = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        indexes = [models.Index(fields=["org", "-id"], name="key_by_org")]

    def __str__(self) -> str:
        return f"{self.prefix}… of {self.org_id}"

    def is_live(self, now: datetime) -> bool:
        """Tell whether the key still opens anything at this instant."""
        return self.revoked_at is None and (
            self.expires_at is None or now < self.expires_at
        )
