"""A batch and its timeline."""

from typing import ClassVar

from django.db import models

from accounts.models import ApiKey, Org
from batches.models.delivery import WebhookEndpoint
from batches.models.file import StoredFile
from batches.models.manifest import Manifest
from batches.models.quote import Quote
from batches.states import BATCH_MOVES
from batchrouter.kit import clock, ids
from batchrouter.kit.states import Moves, Stateful


def new_batch_id() -> str:
    """Make a batch's public id."""
    return ids.new_id("batch")


class Batch(Stateful):
    """A paid order: a manifest, a deadline, and in the end files and receipts.

    ``result_counts`` and the money columns are null until the batch has ended; while
    it runs they are read from its work units.
    """

    moves: ClassVar[Moves] = BATCH_MOVES

    public_id = models.CharField(max_length=40, unique=True, default=new_batch_id)
    org = models.ForeignKey(Org, on_delete=models.PROTECT, related_name="batches")
    quote = models.OneToOneField(Quote, on_delete=models.PROTECT)
    manifest = models.ForeignKey(Manifest, on_delete=models.PROTECT)
    # The batch whose unfinished items it runs again, under the same numbers.
    parent = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="retries"
    )
    api_key = models.ForeignKey(
        ApiKey, on_delete=models.SET_NULL, null=True, blank=True
    )
    # On the house: rows are previews, and there are no files of them.
    is_sample = models.BooleanField(db_default=False)
    item_count = models.PositiveIntegerField()
    metadata = models.JSONField(default=dict)
    deadline_at = models.DateTimeField()
    # Its own webhook, with the secret that came along, sealed; empty: the org's own.
    webhook_endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.PROTECT, null=True, related_name="+"
    )
    webhook_secret = models.TextField(blank=True, db_default="")
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    terminal_reason = models.CharField(max_length=32, blank=True)
    result_counts = models.JSONField(null=True)
    charged_nanousd = models.BigIntegerField(null=True)
    # In the sums of the optimization report (services/rolling_up.py).
    is_rolled_up = models.BooleanField(default=False, db_default=False)
    output_file = models.ForeignKey(
        StoredFile, on_delete=models.PROTECT, null=True, related_name="+"
    )
    review_file = models.ForeignKey(
        StoredFile, on_delete=models.PROTECT, null=True, related_name="+"
    )
    error_file = models.ForeignKey(
        StoredFile, on_delete=models.PROTECT, null=True, related_name="+"
    )
    retry_file = models.ForeignKey(
        StoredFile, on_delete=models.PROTECT, null=True, related_name="+"
    )
    golden_file = models.ForeignKey(
        StoredFile, on_delete=models.PROTECT, null=True, related_name="+"
    )
    route_receipt_file = models.ForeignKey(
        StoredFile, on_delete=models.PROTECT, null=True, related_name="+"
    )
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now)
    completed_at = models.DateTimeField(null=True, blank=True)
    # The manifest's wish; null leaves it to the organization.
    retention_days = models.PositiveSmallIntegerField(null=True)
    # Nothing of the content is shown any more; then, its bytes have left the store.
    content_deleted_at = models.DateTimeField(null=True, blank=True)
    content_removed_at = models.DateTimeField(null=True, blank=True)
    deletion_cause = models.CharField(max_length=12, blank=True)

    class Meta:
        verbose_name_plural = "batches"
        indexes = [
            # The sweep reads the ended batches whose bytes are still there.
            models.Index(
                fields=["completed_at"],
                name="batch_with_content",
                condition=models.Q(completed_at__isnull=False, content_removed_at=None),
            ),
            models.Index(fields=["org", "-id"], name="batch_by_org"),
            # The sweep reads the open batches only.
            models.Index(
                fields=["deadline_at"],
                name="batch_open_by_deadline",
                condition=models.Q(
                    state__in=["priced", "queued", "running", "finalizing"]
                ),
            ),
        ]

    @property
    def purpose(self) -> str:
        """What the batch's reservation and receipts are filed under."""
        return f"batch:{self.public_id}"


class BatchEvent(models.Model):
    """One line of the timeline; written with the change that it tells of."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=40)
    data = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["batch", "id"], name="event_by_batch")]

    def __str__(self) -> str:
        return f"{self.batch_id} {self.kind}"
