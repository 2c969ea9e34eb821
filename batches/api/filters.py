"""The filters of the batch list."""

from datetime import datetime

from django.db.models import QuerySet
from rest_framework.request import Request

from batches.models import Batch
from batches.states import BatchState
from batchrouter.kit.errors import InvalidRequest
from batchrouter.web.pagination import single_value


def filter_batches(request: Request, rows: QuerySet[Batch]) -> QuerySet[Batch]:
    """Apply ``state``, ``created_after`` and ``metadata.KEY``.

    Raises:
        InvalidRequest: an unknown state or a malformed instant.
    """
    state = single_value(request, "state")
    if state is not None:
        if state not in set(BatchState):
            raise InvalidRequest(
                f"state is one of {', '.join(BatchState)}.", param="state"
            )
        rows = rows.filter(state=state)
    after = single_value(request, "created_after")
    if after is not None:
        rows = rows.filter(created_at__gt=_instant(after))
    for name in request.query_params:
        if name.startswith("metadata."):
            pair = {name.removeprefix("metadata."): single_value(request, name)}
            rows = rows.filter(metadata__contains=pair)
    return rows


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidRequest(
            "created_after is an ISO 8601 instant.", param="created_after"
        ) from error
    if found.tzinfo is None:
        raise InvalidRequest(
            "created_after needs an offset, such as Z.", param="created_after"
        )
    return found
