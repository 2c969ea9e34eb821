"""Files of a customer: inputs and artifacts. The bytes are in the store."""

from django.db import models

from accounts.models import Org
from batchrouter.kit import clock, ids


def new_file_id() -> str:
    """Make a file's public id."""
    return ids.new_id("file")


class FilePurpose(models.TextChoices):
    """What a file is for."""

    MANIFEST = "manifest"
    OUTPUT = "output"
    REVIEW = "review"
    ERROR = "error"
    RETRY = "retry"
    GOLDEN = "golden"
    ROUTE_RECEIPT = "route_receipt"
    IMPORT = "import"


class BlobClaim(models.Model):
    """Bytes on their way into the store, which no file names yet.

    One row for each writer, made before the bytes get their place and removed with the
    file that names them: meanwhile nobody may take the bytes away.
    """

    storage_key = models.CharField(max_length=160)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["storage_key"], name="claim_by_key")]

    def __str__(self) -> str:
        return self.storage_key


class StoredFile(models.Model):
    """A name, a hash and a size; ``storage_key`` finds the immutable bytes."""

    public_id = models.CharField(max_length=40, unique=True, default=new_file_id)
    org = models.ForeignKey(Org, on_delete=models.PROTECT, related_name="files")
    purpose = models.CharField(max_length=16, choices=FilePurpose.choices)
    filename = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    size_bytes = models.BigIntegerField()
    storage_key = models.CharField(max_length=160)
    line_count = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["org", "-id"], name="file_by_org"),
            # Bytes may go when no row that was not deleted names them.
            models.Index(
                fields=["storage_key"],
                name="file_naming_bytes",
                condition=models.Q(deleted_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} {self.purpose}"
