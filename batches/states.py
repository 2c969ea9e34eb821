"""The states of the main job, and the arrows between them.

Nothing else moves a state.
"""

from collections.abc import Mapping
from enum import StrEnum

Moves = Mapping[str, frozenset[str]]


class QuoteState(StrEnum):
    """A quote's life."""

    ACTIVE = "active"  # the price holds until valid_until
    ACCEPTED = "accepted"  # a batch exists for it
    EXPIRED = "expired"  # nobody submitted in time
    VOID = "void"  # another point of the same curve was accepted


QUOTE_MOVES: Moves = {
    QuoteState.ACTIVE: frozenset(
        {QuoteState.ACCEPTED, QuoteState.EXPIRED, QuoteState.VOID}
    ),
}


class BatchState(StrEnum):
    """A batch's life; the last three end it."""

    PRICED = "priced"  # paid for by a reservation, not yet cut into work units
    QUEUED = "queued"  # work units wait for a worker
    RUNNING = "running"  # at least one unit was claimed
    FINALIZING = "finalizing"  # every item has a row; files and money follow
    COMPLETED = "completed"  # at least one row is done
    FAILED = "failed"  # no row is done
    CANCELED = "canceled"  # the customer stopped it


BATCH_MOVES: Moves = {
    BatchState.PRICED: frozenset({BatchState.QUEUED}),
    BatchState.QUEUED: frozenset({BatchState.RUNNING, BatchState.FINALIZING}),
    BatchState.RUNNING: frozenset({BatchState.FINALIZING}),
    BatchState.FINALIZING: frozenset(
        {BatchState.COMPLETED, BatchState.FAILED, BatchState.CANCELED}
    ),
}

BATCH_TERMINAL = frozenset(
    {BatchState.COMPLETED, BatchState.FAILED, BatchState.CANCELED}
)
BATCH_OPEN = frozenset(set(BatchState) - BATCH_TERMINAL)


class UnitState(StrEnum):
    """A work unit's life."""

    READY = "ready"  # waits for a worker on its present lane
    RUNNING = "running"  # a worker holds the lease
    WAITING = "waiting"  # a provider job runs; next_action_at is the next poll
    SPLIT = "split"  # replaced by smaller units
    DONE = "done"  # every item has a row


UNIT_MOVES: Moves = {
    UnitState.READY: frozenset({UnitState.RUNNING, UnitState.DONE}),
    UnitState.RUNNING: frozenset(
        {UnitState.READY, UnitState.WAITING, UnitState.SPLIT, UnitState.DONE}
    ),
    UnitState.WAITING: frozenset({UnitState.RUNNING, UnitState.DONE}),
}

UNIT_OPEN = frozenset({UnitState.READY, UnitState.RUNNING, UnitState.WAITING})


class ExecutionState(StrEnum):
    """The life of one provider job or one run of direct calls."""

    PLANNED = "planned"  # the intent is written; it may or may not have been sent
    ACCEPTED = "accepted"  # the provider has it
    ENDED = "ended"  # its answers are recorded
    REFUSED = "refused"  # the provider said no; nothing ran
    ABANDONED = "abandoned"  # its worker died; unknown calls are booked as ours


EXECUTION_MOVES: Moves = {
    ExecutionState.PLANNED: frozenset(
        {
            ExecutionState.ACCEPTED,
            ExecutionState.REFUSED,
            ExecutionState.ENDED,
            ExecutionState.ABANDONED,
        }
    ),
    # A job that its provider took may be refused when it is checked there.
    ExecutionState.ACCEPTED: frozenset(
        {ExecutionState.ENDED, ExecutionState.REFUSED, ExecutionState.ABANDONED}
    ),
}

EXECUTION_OPEN = frozenset({ExecutionState.PLANNED, ExecutionState.ACCEPTED})


class ImportState(StrEnum):
    """The life of an import of past jobs."""

    QUEUED = "queued"  # waits for a worker
    RUNNING = "running"  # a worker reads it, or its lease has run out
    COMPLETED = "completed"  # every line was read; bad ones are listed
    FAILED = "failed"  # it could not be read to its end


IMPORT_MOVES: Moves = {
    ImportState.QUEUED: frozenset({ImportState.RUNNING}),
    ImportState.RUNNING: frozenset({ImportState.COMPLETED, ImportState.FAILED}),
    ImportState.FAILED: frozenset({ImportState.QUEUED}),
}

IMPORT_OPEN = frozenset({ImportState.QUEUED, ImportState.RUNNING})


class DeliveryState(StrEnum):
    """The life of an event on its way to an endpoint."""

    PENDING = "pending"  # waits for its next try
    SENDING = "sending"  # a worker holds the lease, and may have sent it
    DELIVERED = "delivered"  # the endpoint answered 2xx
    FAILED = "failed"  # given up, or its endpoint takes nothing more


DELIVERY_MOVES: Moves = {
    DeliveryState.PENDING: frozenset({DeliveryState.SENDING, DeliveryState.FAILED}),
    DeliveryState.SENDING: frozenset(
        {DeliveryState.PENDING, DeliveryState.DELIVERED, DeliveryState.FAILED}
    ),
    # By the customer's wish to have it again.
    DeliveryState.DELIVERED: frozenset({DeliveryState.PENDING}),
    DeliveryState.FAILED: frozenset({DeliveryState.PENDING}),
}


class RowStatus(StrEnum):
    """What became of an item; every item gets exactly one."""

    COMPLETED = "completed"  # an answer that passed its checks
    FAILED = "failed"  # no lane gave an acceptable answer
    CANCELED = "canceled"  # the customer stopped the batch first
    EXPIRED = "expired"  # the deadline came first
    REVIEW = "review"  # an answer that wants a person's eye


# Rows that are delivered and paid for; the others cost nothing.
ROW_DELIVERED = frozenset({RowStatus.COMPLETED, RowStatus.REVIEW})
