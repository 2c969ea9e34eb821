"""The rows that an organization may try once without credits."""

from django.db import models

from accounts.models import Org
from batches.models.batch import Batch
from batches.models.quote import Quote
from batchrouter.kit import clock


class SampleRun(models.Model):
    """That an organization had its sample: of which quote, and as which batch."""

    org = models.OneToOneField(Org, on_delete=models.PROTECT, related_name="sample_run")
    quote = models.ForeignKey(Quote, on_delete=models.PROTECT, related_name="+")
    batch = models.OneToOneField(Batch, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [
            models.Index(fields=["created_at"], name="sample_run_by_time"),
        ]

    def __str__(self) -> str:
        return f"sample of {self.org_id}"
