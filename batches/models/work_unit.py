"""A work unit: the row that is the queue."""

from typing import ClassVar

from django.db import models

from batches.models.batch import Batch
from batches.states import UNIT_MOVES
from batchrouter.kit import clock, ids
from batchrouter.kit.states import Moves, Stateful

# The mode of a unit whose items get the rows of identical ones; no lane serves it.
COPIES = "copies"


def new_unit_id() -> str:
    """Make a work unit's public id."""
    return ids.new_id("wu")


class RoutePlan(models.Model):
    """Stages that took the place of a decision's for some units: facts had changed."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="plans")
    group_no = models.PositiveSmallIntegerField()
    # What it replaced; None is the decision's own stages.
    base = models.ForeignKey("self", on_delete=models.RESTRICT, null=True)
    # So many stages of that are kept: the units had been there.
    kept = models.PositiveSmallIntegerField()
    # A failure kind, a rejection code, or an ending's word.
    cause = models.CharField(max_length=40)
    # All of them, as batches/decisions.py writes them.
    stages = models.JSONField()
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [
            models.Index(fields=["batch", "group_no", "-id"], name="plan_by_batch"),
        ]

    def __str__(self) -> str:
        return f"plan {self.pk} of group {self.group_no}"


class WorkUnit(Stateful):
    """Items of one group, ``seq_from`` to ``seq_to``, on the present stage of a plan.

    The lease is judged by the database's clock only. ``lost_leases`` counts workers
    that died with the unit in hand; past a limit its open items fail instead of
    killing another.
    """

    moves: ClassVar[Moves] = UNIT_MOVES

    public_id = models.CharField(max_length=40, unique=True, default=new_unit_id)
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="units")
    # Copied from the batch: claims rotate over organizations.
    org_id = models.BigIntegerField()
    group_no = models.PositiveSmallIntegerField()
    seq_from = models.IntegerField()
    seq_to = models.IntegerField()
    item_count = models.PositiveIntegerField()
    mode = models.CharField(max_length=6)
    stage = models.PositiveSmallIntegerField(default=0)
    # None while the decision's own stages hold.
    plan = models.ForeignKey(RoutePlan, on_delete=models.RESTRICT, null=True)
    leave_at = models.DateTimeField()
    next_action_at = models.DateTimeField()
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    lost_leases = models.PositiveSmallIntegerField(default=0)
    # Why it is ready and not begun: a failure kind; empty once it went on.
    held_reason = models.CharField(max_length=40, blank=True)
    completed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    canceled = models.PositiveIntegerField(default=0)
    expired = models.PositiveIntegerField(default=0)
    review = models.PositiveIntegerField(default=0)
    charged_nanousd = models.BigIntegerField(default=0)
    # When its last row was written; what a stall is measured from.
    rows_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [
            models.Index(fields=["batch", "id"], name="unit_by_batch"),
            # What claims read: few rows, however many units are done.
            models.Index(
                fields=["mode", "next_action_at"],
                name="unit_due",
                condition=models.Q(state__in=["ready", "waiting"]),
            ),
            models.Index(
                fields=["lease_until"],
                name="unit_leased",
                condition=models.Q(state="running"),
            ),
        ]

    @property
    def row_count(self) -> int:
        """How many items have a row."""
        return self.completed + self.failed + self.canceled + self.expired + self.review
