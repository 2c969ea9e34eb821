"""What was found of answers: sums by day that trust, drift and reports read."""

from typing import Final

from django.db import models

# The check that stands for an answer as a whole; others are the parts that a source
# looks at, such as ``json_schema``.
WHOLE: Final = ""


class QualitySource(models.TextChoices):
    """Who found it."""

    VERIFICATION = "verification"  # our checks of each answer, every try counted
    FEEDBACK = "feedback"  # the customer's verdict on a delivered row
    RATING = "rating"  # the customer's verdict on a batch, once for each lane in it
    GOLDEN = "golden"  # rows whose right answer the customer gave


class QualityDay(models.Model):
    """What one source found on one day of one org's answers from an offering.

    Kept from settlement on, and after the batch's content is gone; test keys count
    nowhere. Provider, model and operation are copied, so that reports join nothing.
    """

    org_id = models.BigIntegerField()
    offering_id = models.BigIntegerField()
    provider = models.CharField(max_length=40)
    model = models.CharField(max_length=120)
    operation = models.CharField(max_length=12)
    # As batches/workloads.py writes it.
    workload_key = models.CharField(max_length=120)
    day = models.DateField()
    source = models.CharField(max_length=12, choices=QualitySource.choices)
    check_name = models.CharField(max_length=40, blank=True)
    passed = models.BigIntegerField(default=0)
    # Of use only after a repair by us or a correction by the customer.
    repaired = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "org_id",
                    "day",
                    "offering_id",
                    "workload_key",
                    "source",
                    "check_name",
                ],
                name="quality_day_once",
            ),
        ]
        indexes = [
            # What routing reads: whole answers of some models.
            models.Index(
                fields=["model", "day"],
                name="quality_by_model",
                condition=models.Q(check_name=WHOLE),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} of offering {self.offering_id} on {self.day}"
