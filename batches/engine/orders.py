"""What is told to an adapter of a job that is to be made, or to be found again."""

from datetime import timedelta

from batches.decisions import Decision
from batches.models import Execution
from batches.states import ExecutionState
from routing.contracts import JobOrder, OtherOrders

# A job made after an order was written down may belong to one that was written down
# this much earlier: its upload came first.
_UPLOADING = timedelta(hours=1)


def order_of(execution: Execution, decision: Decision) -> JobOrder:
    """Return the order for an execution that is written down."""
    return JobOrder(
        operation=decision.operation,  # type: ignore[arg-type] # stored from the same Literal
        provider_model=execution.provider_model,
        client_ref=execution.public_id,
        item_count=execution.item_count,
        sent_at=execution.started_at,
    )


def others_of(execution: Execution) -> OtherOrders:
    """Return what is known now of the other orders at the execution's provider."""
    others = Execution.objects.filter(
        provider=execution.provider, mode=execution.mode
    ).exclude(pk=execution.pk)
    known = others.filter(started_at__gte=execution.started_at - _UPLOADING).exclude(
        provider_job_id=""
    )
    twins = others.filter(state=ExecutionState.PLANNED, item_count=execution.item_count)
    # Twins first: one whose job becomes known in between is counted twice, which only
    # waits. The other way round neither look would see it, and its job pass as ours.
    has_twin = twins.exists()
    return OtherOrders(
        job_ids=frozenset(known.values_list("provider_job_id", flat=True)),
        has_twin=has_twin,
    )
