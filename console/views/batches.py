"""Batches: the list, one of them, its live part, and the button that stops it."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Org
from batches.models import Batch
from batches.rendering import batch_json
from batches.selectors import (
    Attempts,
    attempts_of,
    batch_of,
    batches_of,
    events_of,
    row_page,
)
from batches.services.cancellation import BatchFinished, cancel_batch
from batches.states import BATCH_TERMINAL, BatchState
from batchrouter.kit import clock
from batchrouter.kit.errors import NotFound
from billing.selectors import receipts_for, reservation_for
from console.current import Current, current, org_of
from console.live import live_part
from console.paging import item_number, newest_first
from console.presenters import batches as show
from console.presenters.receipts import ReceiptCard, receipt_card
from console.presenters.results import RowPage, row_lines
from console.selectors import done_items

_ROWS_SHOWN = 50
_EVENTS_SHOWN = 50
_RECEIPT_PATHS = {
    "route": "route-receipt",
    "billing": "billing-receipt",
    "deletion": "deletion-note",
}
_STOPPABLE = (BatchState.PRICED, BatchState.QUEUED, BatchState.RUNNING)


@require_safe
@login_required
def batch_list(request: HttpRequest) -> HttpResponse:
    """GET /batches."""
    org = org_of(request)
    page = newest_first(batches_of(org), request)
    done = done_items(org, page.rows)
    context = {
        "batches": [show.batch_line(batch, done) for batch in page.rows],
        "first_url": page.first_url,
        "next_url": page.next_url,
    }
    return render(request, "console/batches.html", context)


@require_safe
@login_required
@never_cache
def batch_detail(request: HttpRequest, batch_id: str) -> HttpResponse:
    """GET /batches/{id}: everything; with ``after`` only the rows from there on."""
    visitor = current(request)
    batch = _owned(visitor.org, batch_id)
    after = item_number(request)
    if after is not None:
        return render(request, "console/batch_results.html", _results(batch, after))
    return render(request, "console/batch.html", _detail(visitor, batch))


@require_safe
@login_required
@never_cache
def batch_live(request: HttpRequest, batch_id: str) -> HttpResponse:
    """GET /batches/{id}/live: the part of the page that moves."""
    batch = _owned(org_of(request), batch_id)
    now = clock.now()
    live = show.live(batch, batch_json(batch, now=now)["batch"], now=now)
    return live_part(request, "console/_batch_live.html", {"live": live})


@require_POST
@login_required
def batch_cancel(request: HttpRequest, batch_id: str) -> HttpResponse:
    """POST /batches/{id}/cancel."""
    visitor = current(request)
    batch = _owned(visitor.org, batch_id)
    if not visitor.may_cancel:
        raise PermissionDenied("A viewer may not stop a batch.")
    try:
        cancel_batch(batch, now=clock.now())
    except BatchFinished as error:
        messages.info(request, f"There was nothing left to stop. {error.message}")
    else:
        messages.success(
            request,
            "The batch is being stopped. Nothing new is sent; what was answered is "
            "delivered and paid for, the rest of the reservation comes back.",
        )
    return redirect("batch", batch_id=batch.public_id)


def _owned(org: Org, batch_id: str) -> Batch:
    try:
        return batch_of(org, batch_id)
    except NotFound as error:
        raise Http404(error.message) from error


def _detail(visitor: Current, batch: Batch) -> dict[str, Any]:
    now = clock.now()
    told = batch_json(batch, now=now)["batch"]
    has_ended = batch.state in BATCH_TERMINAL
    attempts = attempts_of(batch) if told["retries"] else None
    return {
        "live": show.live(batch, told, now=now),
        "facts": show.facts(batch, _released(visitor.org, batch)),
        "lanes": show.lanes(batch),
        "page": _rows(batch, attempts, after=-1) if has_ended else None,
        "artifacts": show.artifacts(batch, now=now),
        "receipts": _receipts(visitor.org, batch) if has_ended else (),
        "events": show.timeline(events_of(batch).order_by("id")[:_EVENTS_SHOWN]),
        "can_cancel": visitor.may_cancel
        and batch.state in _STOPPABLE
        and batch.cancel_requested_at is None,
    }


def _results(batch: Batch, after: int) -> dict[str, Any]:
    return {
        "batch_id": batch.public_id,
        "state": batch.state,
        "is_open": batch.state not in BATCH_TERMINAL,
        "page": _rows(batch, attempts_of(batch), after=after),
    }


def _rows(batch: Batch, attempts: Attempts | None, *, after: int) -> RowPage:
    if batch.content_deleted_at is not None:
        return row_lines([], limit=_ROWS_SHOWN)
    found = row_page(
        batch,
        after=after,
        limit=_ROWS_SHOWN + 1,
        status=None,
        with_raw=False,
        attempts=attempts,
    )
    return row_lines(found, limit=_ROWS_SHOWN)


def _released(org: Org, batch: Batch) -> int | None:
    """Return what came back, once the batch is settled."""
    if batch.charged_nanousd is None:
        return None
    held = reservation_for(org, batch.purpose)
    return None if held is None else held.released_nanousd


def _receipts(org: Org, batch: Batch) -> tuple[ReceiptCard, ...]:
    return tuple(
        receipt_card(
            receipt, url=f"/v1/batches/{batch.public_id}/{_RECEIPT_PATHS[receipt.kind]}"
        )
        for receipt in receipts_for(org, purpose=batch.purpose)
    )
