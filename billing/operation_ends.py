"""How an approved request ends."""

import logging
from datetime import datetime

from batchrouter.kit.errors import InvalidRequest
from billing.models import OperationState, OperatorRequest

log = logging.getLogger(__name__)


class RequestRefused(InvalidRequest):
    """The request cannot be carried out as it stands."""

    code = "operator_request_refused"


def finish(
    asked: OperatorRequest, *, outcome: str = "", failure: str = "", now: datetime
) -> None:
    """End an approved request: failed with its reason, or done."""
    asked.outcome = (failure or outcome)[:500]
    asked.save(update_fields=["outcome", "transaction"])
    if failure:
        log.warning("operator request %s failed: %s", asked.public_id, failure)
    asked.advance(OperationState.FAILED if failure else OperationState.DONE, at=now)


def names_of(asked: OperatorRequest) -> str:
    """Say who is responsible, for the ledger."""
    if not asked.checker:
        return asked.maker
    return f"{asked.maker}, approved by {asked.checker}"
