"""Executions: what was asked of a provider, written down before it was asked."""

from typing import ClassVar

from django.db import models

from batches.models.batch import Batch
from batches.models.work_unit import WorkUnit
from batches.states import EXECUTION_MOVES
from batchrouter.kit import clock, ids
from batchrouter.kit.states import Moves, Stateful


def new_execution_id() -> str:
    """Make an execution's public id."""
    return ids.new_id("pexec")


class Execution(Stateful):
    """One provider job, or one run of direct calls, for a work unit on a lane.

    The public id is also our reference at the provider: it rides in the job's metadata
    and begins every custom id. ``sent_through_seq`` is how far items may have been
    sent: after a crash, direct calls up to it without a row have an unknown outcome,
    and a job is looked for only where it is not -1.
    """

    moves: ClassVar[Moves] = EXECUTION_MOVES

    public_id = models.CharField(max_length=40, unique=True, default=new_execution_id)
    batch = models.ForeignKey(
        Batch, on_delete=models.CASCADE, related_name="executions"
    )
    unit = models.ForeignKey(
        WorkUnit, on_delete=models.CASCADE, related_name="executions"
    )
    stage = models.PositiveSmallIntegerField()
    offering_id = models.BigIntegerField()
    provider = models.CharField(max_length=40)
    model = models.CharField(max_length=120)
    provider_model = models.CharField(max_length=160)
    mode = models.CharField(max_length=6)
    is_sandbox = models.BooleanField(default=False)
    provider_job_id = models.CharField(max_length=200, blank=True)
    item_count = models.PositiveIntegerField()
    sent_through_seq = models.IntegerField(default=-1)
    finds = models.PositiveSmallIntegerField(default=0)
    polls = models.PositiveIntegerField(default=0)
    completed = models.PositiveIntegerField(default=0)
    failures = models.JSONField(default=dict)
    # Answers by check: {name: [passed, repaired, failed]}, as lifecycle.Tally counts.
    checks = models.JSONField(default=dict, db_default={})
    outcome = models.CharField(max_length=40, blank=True)
    cost_nanousd = models.BigIntegerField(default=0)
    ambiguous_nanousd = models.BigIntegerField(default=0)
    started_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["batch", "id"], name="execution_by_batch"),
            models.Index(fields=["unit", "-id"], name="execution_by_unit"),
            # What operators watch is of a day, however many executions there were.
            models.Index(
                fields=["ended_at"],
                name="execution_by_end",
                condition=models.Q(ended_at__isnull=False),
            ),
        ]


class LostCall(models.Model):
    """A direct call that may have been made, and whose answer nobody has."""

    pk = models.CompositePrimaryKey("batch_id", "seq", "execution_id")
    batch_id = models.BigIntegerField()
    seq = models.IntegerField()
    execution_id = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.batch_id}/{self.seq}"
