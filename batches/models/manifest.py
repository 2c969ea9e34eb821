"""A checked input file: its items' places and counts, never their text."""

from django.db import models

from batches.models.file import StoredFile
from batchrouter.kit import clock


class Manifest(models.Model):
    """The result of checking an input file once, or a part of one, to be retried.

    ``duplicates`` counts items that ask the same of the same models as an earlier one.
    ``skipped`` lists lines left out on request (``on_invalid: skip``), the first 100.
    """

    file = models.ForeignKey(
        StoredFile, on_delete=models.PROTECT, related_name="manifests"
    )
    # The manifest whose items some of which these are, under the same numbers and in
    # the same file; null for one that was read from its file.
    part_of = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="+"
    )
    # Its file was made of a request's items, and nobody but a batch will ask for it.
    is_inline = models.BooleanField(db_default=False)
    # Since when its items are gone, because no batch came of it.
    purged_at = models.DateTimeField(null=True)
    item_count = models.PositiveIntegerField()
    duplicates = models.PositiveIntegerField(default=0)
    golden_count = models.PositiveIntegerField(db_default=0)
    skipped_count = models.PositiveIntegerField(default=0)
    skipped = models.JSONField(default=list)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["file"],
                name="manifest_read_once",
                condition=models.Q(part_of=None),
            ),
        ]
        indexes = [
            # The sweep looks for those that no batch came of.
            models.Index(
                fields=["created_at"],
                name="manifest_unpurged",
                condition=models.Q(purged_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"manifest {self.pk} of {self.item_count}"


class ItemGroup(models.Model):
    """Items of a manifest that can travel together, and their sums.

    Token counts are o200k. ``output_tokens`` sums the caps that items name;
    ``uncapped_count`` items name none and get the model's quoted default.
    ``ranges`` are the items' numbers as strings such as ``"0-249"``, the first 20.
    """

    manifest = models.ForeignKey(
        Manifest, on_delete=models.CASCADE, related_name="groups"
    )
    no = models.PositiveSmallIntegerField()
    operation = models.CharField(max_length=12)
    model_slugs = models.JSONField()
    needs_vision = models.BooleanField()
    needs_schema = models.BooleanField()
    needs_tools = models.BooleanField()
    item_count = models.PositiveIntegerField()
    input_tokens = models.BigIntegerField()
    input_tokens_max = models.PositiveIntegerField()
    output_tokens = models.BigIntegerField()
    output_tokens_max = models.PositiveIntegerField()
    uncapped_count = models.PositiveIntegerField()
    payload_bytes = models.BigIntegerField()
    # Of the largest item; 0 in groups older than this column.
    payload_bytes_max = models.PositiveIntegerField(db_default=0)
    # Of the sums above, what golden items add: scored, not charged.
    golden_count = models.PositiveIntegerField(db_default=0)
    golden_input_tokens = models.BigIntegerField(db_default=0)
    golden_output_tokens = models.BigIntegerField(db_default=0)
    golden_uncapped_count = models.PositiveIntegerField(db_default=0)
    ranges = models.JSONField(default=list)
    # Of the items that are identical to an earlier one; 0 in groups older than these.
    copies = models.PositiveIntegerField(db_default=0)
    copies_input_tokens = models.BigIntegerField(db_default=0)
    copies_output_tokens = models.BigIntegerField(db_default=0)
    copies_uncapped_count = models.PositiveIntegerField(db_default=0)
    copies_payload_bytes = models.BigIntegerField(db_default=0)
    # As batches/workloads.py writes it; empty where the items share no task.
    task_key = models.CharField(max_length=16, db_default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["manifest", "no"], name="group_no_once"),
        ]

    def __str__(self) -> str:
        return f"group {self.no} of {self.manifest_id}"


class Item(models.Model):
    """One line: where its bytes are, and what it weighs. Written by COPY only."""

    pk = models.CompositePrimaryKey("manifest_id", "seq")
    manifest_id = models.BigIntegerField()
    seq = models.IntegerField()
    group_no = models.SmallIntegerField()
    customer_item_id = models.CharField(max_length=128)
    offset = models.BigIntegerField()
    length = models.IntegerField()
    input_tokens = models.IntegerField()
    # The cap that the item names; null where it names none.
    max_output_tokens = models.IntegerField(null=True)
    # The first item of the manifest that is identical; null for a first one.
    copy_of = models.IntegerField(null=True)
    is_golden = models.BooleanField(db_default=False)

    class Meta:
        indexes = [
            models.Index(
                fields=["manifest_id", "group_no", "seq"], name="item_by_group"
            ),
            # What copying reads; empty for a manifest without duplicates.
            models.Index(
                fields=["manifest_id", "group_no", "copy_of"],
                name="item_copies",
                condition=models.Q(copy_of__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"item {self.seq} of {self.manifest_id}"
