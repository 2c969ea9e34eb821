"""Result rows: a narrow index over bytes in segments. Insert only."""

from django.db import models

from batchrouter.kit import clock


class Segment(models.Model):
    """A part file that one holder of a unit's lease appends rows to."""

    batch_id = models.BigIntegerField()
    unit_id = models.BigIntegerField()
    storage_key = models.CharField(max_length=160)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["batch_id"], name="segment_by_batch")]

    def __str__(self) -> str:
        return self.storage_key


class ResultRow(models.Model):
    """What became of an item; the first one in wins.

    The row's JSON lies at ``offset`` of its segment: ``head_length`` bytes without the
    provider's raw reply and without the closing brace, ``length`` bytes in all.
    """

    pk = models.CompositePrimaryKey("batch_id", "seq")
    batch_id = models.BigIntegerField()
    seq = models.IntegerField()
    unit_id = models.BigIntegerField()
    status = models.CharField(max_length=9)
    segment_id = models.BigIntegerField()
    offset = models.BigIntegerField()
    head_length = models.IntegerField()
    length = models.IntegerField()
    execution_id = models.BigIntegerField(null=True)
    offering_id = models.BigIntegerField(null=True)
    input_tokens = models.IntegerField()
    cached_tokens = models.IntegerField()
    output_tokens = models.IntegerField()
    reasoning_tokens = models.IntegerField()
    # The line at the quoted price, before the fee.
    subtotal_nanousd = models.BigIntegerField()
    charge_nanousd = models.BigIntegerField()
    # What the provider will bill us for the accepted answer.
    cost_nanousd = models.BigIntegerField()
    attempts = models.SmallIntegerField()
    error_code = models.CharField(max_length=40, blank=True)
    completed_at = models.DateTimeField()

    class Meta:
        indexes = [
            # What a search for failures and answers to review reads; nearly empty for
            # a batch that went well.
            models.Index(
                fields=["batch_id", "seq"],
                include=["status", "error_code"],
                name="row_not_completed",
                condition=~models.Q(status="completed"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id}/{self.seq} {self.status}"


class GoldenOutcome(models.Model):
    """Whether the answer to a golden item was right; written with its row."""

    pk = models.CompositePrimaryKey("batch_id", "seq")
    batch_id = models.BigIntegerField()
    seq = models.IntegerField()
    execution_id = models.BigIntegerField()
    is_right = models.BooleanField()

    def __str__(self) -> str:
        return f"{self.batch_id}/{self.seq} {self.is_right}"
