"""What settled work came to: sums that the optimization report reads, never rows.

Written in the transaction that settles, and kept when the batch's content is gone.
Test keys count nowhere.
"""

from django.db import models


class SettledDay(models.Model):
    """The batches of one org that were settled on one UTC day."""

    org_id = models.BigIntegerField()
    day = models.DateField()
    batches = models.BigIntegerField(default=0)
    # Delivered ones.
    items = models.BigIntegerField(default=0)
    charged_nanousd = models.BigIntegerField(default=0)
    # What their executions cost us, calls of unknown outcome among them.
    cost_nanousd = models.BigIntegerField(default=0, db_default=0)
    work_units = models.BigIntegerField(default=0)
    # Units that left their first lane.
    moved_units = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["org_id", "day"], name="settled_day_once"),
        ]
        indexes = [models.Index(fields=["day"], name="settled_day_by_day")]

    def __str__(self) -> str:
        return f"org {self.org_id} on {self.day}"


class SettledWork(models.Model):
    """Delivered items of one org and day, by who did them and what they were."""

    org_id = models.BigIntegerField()
    day = models.DateField()
    provider = models.CharField(max_length=40)
    model = models.CharField(max_length=120)
    mode = models.CharField(max_length=6)
    operation = models.CharField(max_length=12)
    # As batches/workloads.py writes it.
    workload_key = models.CharField(max_length=120)
    items = models.BigIntegerField(default=0)
    input_tokens = models.BigIntegerField(default=0)
    cached_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    # With the rows' shares of the fee.
    charge_nanousd = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "org_id",
                    "day",
                    "provider",
                    "model",
                    "mode",
                    "operation",
                    "workload_key",
                ],
                name="settled_work_once",
            ),
        ]

    def __str__(self) -> str:
        return f"org {self.org_id} on {self.day}: {self.model} at {self.provider}"


class TriedPolicy(models.Model):
    """What one kind of work in a batch would have settled at under another policy.

    Both sums are with the fee. ``moved_nanousd`` is the part of ``after_nanousd`` that
    another provider or model would have made: its tokens are an estimate.
    """

    org_id = models.BigIntegerField()
    batch_id = models.BigIntegerField()
    day = models.DateField()
    workload_key = models.CharField(max_length=120)
    policy = models.CharField(max_length=80)
    items = models.BigIntegerField()
    before_nanousd = models.BigIntegerField()
    after_nanousd = models.BigIntegerField()
    moved_nanousd = models.BigIntegerField()
    # Means over the items of the lanes' quality and of their likely time to the end.
    quality_before = models.FloatField()
    quality_after = models.FloatField()
    seconds_before = models.FloatField()
    seconds_after = models.FloatField()
    # Some of the work would have had no lane.
    is_placed = models.BooleanField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["batch_id", "workload_key", "policy"], name="tried_policy_once"
            ),
        ]
        indexes = [models.Index(fields=["org_id", "day"], name="tried_policy_by_org")]

    def __str__(self) -> str:
        return f"batch {self.batch_id} {self.workload_key} under {self.policy}"
