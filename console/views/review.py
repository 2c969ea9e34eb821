"""The review queue of a batch: one answer after the other, one keystroke each."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from batches.families import attempts_among, members_below
from batches.models import Batch
from batches.row_search import queue_of
from batches.states import BATCH_TERMINAL, RowStatus
from batchrouter.kit import clock
from console.current import Current, current
from console.judging import Judged, judge, judged_row
from console.owned import owned_batch
from console.paging import item_number
from console.presenters.batch_tabs import batch_tabs
from console.presenters.rows import row_view

# What is looked at: only what the checks sent here, or every delivered answer.
_STATUSES = {
    "": (RowStatus.REVIEW,),
    "all": (RowStatus.REVIEW, RowStatus.COMPLETED),
}


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def queue(request: HttpRequest, batch_id: str) -> HttpResponse:
    """GET /batches/{id}/review: the next answer; POST judges one and moves on."""
    visitor = current(request)
    batch = owned_batch(visitor.org, batch_id)
    if request.method == "POST":
        return _judge(request, visitor, batch)
    return _page(request, visitor, batch, after=item_number(request))


def _judge(request: HttpRequest, visitor: Current, batch: Batch) -> HttpResponse:
    if not visitor.may_submit:
        raise PermissionDenied("A viewer may not judge answers.")
    seq = item_number(request, "row")
    if seq is None or seq < 0:
        raise Http404("There is no such row.")
    family = members_below(batch.pk)
    judged = judged_row(batch, seq, family, sent=request.POST, with_runs=False)
    if not judge(visitor.org, judged, now=clock.now()):
        return _page(request, visitor, batch, judged=judged)
    messages.success(request, judged.told)
    return redirect(_address(batch, request, after=seq))


def _page(
    request: HttpRequest,
    visitor: Current,
    batch: Batch,
    *,
    after: int | None = None,
    judged: Judged | None = None,
) -> HttpResponse:
    which = _which(request)
    family = members_below(batch.pk)
    context: dict[str, Any] = {
        "batch_id": batch.public_id,
        "is_open": batch.state not in BATCH_TERMINAL,
        "is_deleted": batch.content_deleted_at is not None,
        "which": which,
        "may_judge": visitor.may_submit and batch.state in BATCH_TERMINAL,
    }
    asked = item_number(request, "row")
    found = queue_of(
        batch,
        attempts_among(family),
        _STATUSES[which],
        after=-1 if after is None else after,
        before=0 if asked is None else asked,
    )
    seq = found.next_seq if asked is None else asked
    if judged is None and seq is not None and batch.content_deleted_at is None:
        judged = judged_row(batch, seq, family, sent=None, with_runs=False)
    if judged is not None:
        previous = after if asked is None else found.previous_seq
        if previous is not None and previous >= 0:
            context["previous_url"] = _address(batch, request, row=previous)
        context["row"] = row_view(batch, judged.detail)
        context["form"] = judged.form
        context["action"] = _address(batch, request, row=judged.detail.item.seq)
        context["skip_url"] = _address(batch, request, after=judged.detail.item.seq)
    context["queue"] = found
    context["tabs"] = batch_tabs(
        batch.public_id, "batch-review", to_review=found.total - found.looked_at
    )
    status = 200 if judged is None else judged.form.status
    return render(request, "console/review.html", context, status=status)


def _which(request: HttpRequest) -> str:
    which = request.GET.get("rows", "")
    return which if which in _STATUSES else ""


def _address(batch: Batch, request: HttpRequest, **place: int) -> str:
    """Return the address of a place in the queue, of the same rows as now."""
    which = _which(request)
    kept = {"rows": which} if which else {}
    page = reverse("batch-review", args=[batch.public_id])
    return f"{page}?{urlencode({**kept, **place})}"
