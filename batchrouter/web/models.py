"""Replies kept for repeated requests."""

from django.db import models

from batchrouter.kit import clock


class IdempotencyRecord(models.Model):
    """The first reply to a key; written in the transaction of the effect."""

    org_id = models.BigIntegerField()
    endpoint = models.CharField(max_length=64)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.BinaryField(null=True)
    # The object that was made, so that reconciliation can find it (R17).
    effect_id = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["org_id", "endpoint", "key"], name="idempotency_key_once"
            ),
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotency_by_age")]

    def __str__(self) -> str:
        return f"{self.endpoint} {self.key}"
