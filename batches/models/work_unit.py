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
    leave_at = models.DateTimeField()
    next_action_at = models.DateTimeField()
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    lost_leases = models.PositiveSmallIntegerField(default=0)
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
