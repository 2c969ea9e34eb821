"""What a customer says of finished work: kept as said, the latest word counts."""

from django.db import models

from batches.models.batch import Batch
from batchrouter.kit import clock, ids


def new_feedback_id() -> str:
    """Make a feedback's public id."""
    return ids.new_id("fb")


class Verdict(models.TextChoices):
    """What a customer says of one delivered row."""

    ACCEPTED = "accepted"
    CORRECTED = "corrected"
    REJECTED = "rejected"


class QualityFeedback(models.Model):
    """One message of a customer about a batch; never changed."""

    public_id = models.CharField(max_length=40, unique=True, default=new_feedback_id)
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="feedback")
    # Of the batch as a whole; the latest message that has either of them counts.
    rating = models.PositiveSmallIntegerField(null=True)
    is_accepted = models.BooleanField(null=True)
    comment = models.TextField(blank=True)
    # Verdicts in this message, by word.
    verdict_counts = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["batch", "-id"], name="feedback_by_batch")]

    def __str__(self) -> str:
        return self.public_id


class ItemVerdict(models.Model):
    """One verdict on one row; a later one for the same row takes its place."""

    feedback = models.ForeignKey(
        QualityFeedback, on_delete=models.CASCADE, related_name="verdicts"
    )
    batch_id = models.BigIntegerField()
    seq = models.IntegerField()
    verdict = models.CharField(max_length=9, choices=Verdict.choices)
    # What the answer should have been: text or JSON; null where it was not said.
    correction = models.JSONField(null=True)
    reason = models.TextField(blank=True)
    is_current = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["feedback", "seq"], name="verdict_once_a_message"
            ),
            models.UniqueConstraint(
                fields=["batch_id", "seq"],
                condition=models.Q(is_current=True),
                name="one_current_verdict",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} {self.batch_id}/{self.seq}"
