"""Batches: the list, one of them, its live part, and what can be done with it."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from batches.api.retry_bodies import read_retry
from batches.families import Attempts, attempts_among, members_below
from batches.models import Batch
from batches.row_search import RowFilter, count_rows, find_rows
from batches.selectors import batches_of, events_of
from batches.services.cancellation import BatchFinished, cancel_batch
from batches.services.creation import Order, retry_quote
from batches.services.retention import REQUEST, BatchRunning, delete_content
from batches.services.retrying import ONLY_DEFAULT
from batches.states import BATCH_TERMINAL, BatchState, RowStatus
from batchrouter.kit import clock
from batchrouter.kit.errors import BatchRouterError, NotFound
from billing.models import Receipt
from billing.selectors import receipts_for
from console.boards import Board, board_of, moving_board_of
from console.current import Current, current, org_of
from console.live import live_part
from console.owned import owned_batch
from console.paging import newest_first
from console.presenters import batches as show
from console.presenters.batch_tabs import batch_tabs
from console.presenters.receipts import (
    ReceiptCard,
    receipt_card,
    receipt_url,
    released_nanousd,
)
from console.presenters.results import RowLine, row_lines
from console.selectors import done_items

# The beginning; all of them are on a page of their own.
_ROWS_SHOWN = 10
_EVENTS_SHOWN = 50
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
    """GET /batches/{id}."""
    visitor = current(request)
    try:
        board = board_of(visitor.org, batch_id)
    except NotFound as error:
        raise Http404(error.message) from error
    return render(request, "console/batch.html", _detail(visitor, board))


@require_safe
@login_required
@never_cache
def batch_live(request: HttpRequest, batch_id: str) -> HttpResponse:
    """GET /batches/{id}/live: the part of the page that moves."""
    try:
        board = moving_board_of(org_of(request), batch_id)
    except NotFound as error:
        raise Http404(error.message) from error
    live = show.live(board, now=clock.now())
    return live_part(request, "console/_batch_live.html", {"live": live})


@require_POST
@login_required
def batch_cancel(request: HttpRequest, batch_id: str) -> HttpResponse:
    """POST /batches/{id}/cancel."""
    visitor = current(request)
    batch = owned_batch(visitor.org, batch_id)
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


@require_POST
@login_required
def batch_retry(request: HttpRequest, batch_id: str) -> HttpResponse:
    """POST /batches/{id}/retry: a quote for the items that are to run again."""
    visitor = current(request)
    batch = owned_batch(visitor.org, batch_id)
    if not visitor.may_submit:
        raise PermissionDenied("A viewer may not retry a batch.")
    body: dict[str, Any] = {"only": request.POST.get("only", ONLY_DEFAULT)}
    if chosen := request.POST.getlist("item"):
        body["customer_item_ids"] = chosen
    order = Order(org=visitor.org, key=None, is_test=False)
    try:
        wanted, _ = read_retry(body)
        quote = retry_quote(order, batch, wanted, now=clock.now())
    except BatchRouterError as error:
        messages.error(request, f"There is no quote for a retry. {error.message}")
        return redirect("batch", batch_id=batch.public_id)
    return redirect("quote", quote_id=quote.public_id)


@require_POST
@login_required
def batch_delete_content(request: HttpRequest, batch_id: str) -> HttpResponse:
    """POST /batches/{id}/delete-content."""
    visitor = current(request)
    batch = owned_batch(visitor.org, batch_id)
    if not visitor.may_submit:
        raise PermissionDenied("A viewer may not delete content.")
    try:
        delete_content(batch, cause=REQUEST, now=clock.now())
    except BatchRunning as error:
        messages.error(request, f"Nothing was deleted. {error.message}")
    else:
        messages.success(
            request,
            "The inputs and outputs are deleted; the note of it is signed and below.",
        )
    return redirect("batch", batch_id=batch.public_id)


def _detail(visitor: Current, board: Board) -> dict[str, Any]:
    now, batch = clock.now(), board.batch
    has_ended = batch.state in BATCH_TERMINAL
    has_content = batch.content_deleted_at is None
    family = members_below(batch.pk)
    attempts = attempts_among(family)
    live = show.live(board, now=now)
    receipts = receipts_for(visitor.org, purpose=batch.purpose) if has_ended else []
    unfinished = batch.item_count - board.standing.progress.completed
    may_act = visitor.may_submit and has_ended and has_content
    return {
        "live": live,
        "tabs": batch_tabs(batch.public_id, "batch", to_review=live.review_count),
        "facts": show.facts(batch, released_nanousd(receipts)),
        "lanes": show.lanes(batch),
        "golden": show.golden(batch),
        "retries": family[1:],
        "merged": _merged(batch, attempts),
        "rows": _rows(batch, attempts) if has_ended and has_content else None,
        "artifacts": show.artifacts(batch, now=now),
        "receipts": _cards(batch, receipts),
        "events": show.timeline(events_of(batch).order_by("id")[:_EVENTS_SHOWN]),
        "can_cancel": visitor.may_cancel
        and batch.state in _STOPPABLE
        and batch.cancel_requested_at is None,
        "can_retry": may_act and unfinished > 0 and not batch.quote.is_test,
        "can_delete": may_act,
    }


def _merged(batch: Batch, attempts: Attempts | None) -> list[tuple[str, int]]:
    """Return what became of the items in all attempts; nothing without a retry."""
    if attempts is None or batch.content_deleted_at is not None:
        return []
    counts = count_rows(batch, attempts)
    return [(str(word), counts[word]) for word in RowStatus if word in counts]


def _rows(batch: Batch, attempts: Attempts | None) -> tuple[RowLine, ...]:
    found = find_rows(batch, RowFilter(), attempts, limit=_ROWS_SHOWN)
    return row_lines(found.rows)


def _cards(batch: Batch, receipts: Sequence[Receipt]) -> tuple[ReceiptCard, ...]:
    return tuple(
        receipt_card(receipt, url=receipt_url(batch, receipt.kind))
        for receipt in receipts
    )
