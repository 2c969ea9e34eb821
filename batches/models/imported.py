"""Past jobs of a customer at other providers: what was imported, and its facts."""

from typing import ClassVar

from django.db import models

from accounts.models import Org
from batches.models.file import StoredFile
from batches.states import IMPORT_MOVES
from batchrouter.kit import clock, ids
from batchrouter.kit.states import Moves, Stateful


def new_import_id() -> str:
    """Make an import's public id."""
    return ids.new_id("imp")


class Import(Stateful):
    """One file of past jobs, read by a job; the row is the queue.

    ``lines_read`` is how far it was read: what follows is read by whoever holds the
    lease next. The file itself is let go at the end, because it holds prompts; its
    hash stays, so that the same file is known again.
    """

    moves: ClassVar[Moves] = IMPORT_MOVES

    public_id = models.CharField(max_length=40, unique=True, default=new_import_id)
    org = models.ForeignKey(Org, on_delete=models.PROTECT, related_name="imports")
    provider = models.CharField(max_length=40)
    # Of batches/imports/kinds.py.
    kind = models.CharField(max_length=32)
    is_document = models.BooleanField(default=False)
    file = models.ForeignKey(StoredFile, on_delete=models.PROTECT, related_name="+")
    sha256 = models.CharField(max_length=64)
    size_bytes = models.BigIntegerField()
    window_from = models.DateField(null=True)
    window_to = models.DateField(null=True)
    lines_read = models.PositiveIntegerField(default=0)
    bytes_read = models.BigIntegerField(default=0)
    # Items by status and by how they were priced (services/import_facts.py).
    counts = models.JSONField(default=dict)
    unpriced_models = models.JSONField(default=dict)
    errors = models.JSONField(default=list)
    error_count = models.PositiveIntegerField(default=0)
    failure_code = models.CharField(max_length=40, blank=True)
    lost_leases = models.PositiveSmallIntegerField(default=0)
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now)
    completed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["org", "provider", "sha256"], name="import_of_a_file_once"
            ),
        ]
        indexes = [
            models.Index(fields=["org", "-id"], name="import_by_org"),
            models.Index(
                fields=["id"],
                name="import_open",
                condition=models.Q(state__in=["queued", "running"]),
            ),
        ]


class ImportedKey(models.Model):
    """An item or bucket that was counted: it never counts again for its org."""

    pk = models.CompositePrimaryKey("org_id", "key")
    org_id = models.BigIntegerField()
    key = models.UUIDField()
    imported = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return f"{self.org_id} {self.key}"


class ImportedDay(models.Model):
    """What an import says of one day: sums, never an item and never a text.

    Sums are decimals, because files may claim anything. Costs are nano-dollars at the
    provider's list price of the time.
    """

    imported = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="days")
    day = models.DateField()
    # The catalog's slug; empty where the price book does not know the model.
    model = models.CharField(max_length=120, blank=True)
    mode = models.CharField(max_length=6)
    operation = models.CharField(max_length=12)
    # Answered items or requests; buckets that do not count theirs add nothing.
    items = models.DecimalField(max_digits=30, decimal_places=0, default=0)
    # Those with usage and a price, on which the cost and the tokens below rest.
    priced_items = models.DecimalField(max_digits=30, decimal_places=0, default=0)
    input_tokens = models.DecimalField(max_digits=30, decimal_places=0, default=0)
    cached_tokens = models.DecimalField(max_digits=30, decimal_places=0, default=0)
    output_tokens = models.DecimalField(max_digits=30, decimal_places=0, default=0)
    # The input's and the output's part of the cost, exactly: tokens times nano-dollars
    # per million tokens.
    input_numerator = models.DecimalField(max_digits=36, decimal_places=0, default=0)
    output_numerator = models.DecimalField(max_digits=36, decimal_places=0, default=0)
    cost_nanousd = models.DecimalField(max_digits=30, decimal_places=0, default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["imported", "day", "model", "mode", "operation"],
                name="imported_day_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.imported_id} on {self.day}: {self.model} {self.mode}"
