"""The rows of a batch: searched, filtered, and one of them in full."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from batches.families import attempts_among, members_below
from batches.models import Batch
from batches.row_search import FoundRows, RowFilter, count_rows, find_rows
from batches.states import BATCH_TERMINAL, RowStatus
from batchrouter.kit import clock
from console.current import Current, current
from console.judging import judge, judged_row
from console.owned import owned_batch
from console.paging import item_number
from console.presenters.batch_tabs import batch_tabs
from console.presenters.results import row_lines
from console.presenters.rows import row_view
from console.public import choice

_PAGE_ROWS = 50
_SEARCH_CHARS_MAX = 128
_FAILED_CHECK = "failed-check"


@require_safe
@login_required
@never_cache
def row_list(request: HttpRequest, batch_id: str) -> HttpResponse:
    """GET /batches/{id}/results: of a retried batch each item's best row."""
    visitor = current(request)
    batch = owned_batch(visitor.org, batch_id)
    search = request.GET.get("q", "").strip()[:_SEARCH_CHARS_MAX]
    shown = choice(request, "show", [*RowStatus, _FAILED_CHECK])
    context = {
        "batch_id": batch.public_id,
        "state": batch.state,
        "is_open": batch.state not in BATCH_TERMINAL,
        "is_deleted": batch.content_deleted_at is not None,
        "tabs": batch_tabs(batch.public_id, "batch-results"),
        "search": search,
        "shown": shown,
        "statuses": (),
    }
    if batch.content_deleted_at is None:
        wanted = RowFilter(
            name=search,
            status="" if shown == _FAILED_CHECK else shown,
            has_failed_check=shown == _FAILED_CHECK,
        )
        context |= _found(request, visitor, batch, wanted)
    return render(request, "console/batch_results.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def row(request: HttpRequest, batch_id: str, seq: int) -> HttpResponse:
    """GET /batches/{id}/rows/{seq}; POST says what one thinks of it."""
    visitor = current(request)
    batch = owned_batch(visitor.org, batch_id)
    sent = request.POST if request.method == "POST" else None
    judged = judged_row(batch, seq, members_below(batch.pk), sent=sent)
    if judged.form.is_bound:
        if not visitor.may_submit:
            raise PermissionDenied("A viewer may not judge answers.")
        if judge(visitor.org, judged, now=clock.now()):
            messages.success(request, judged.told)
            return redirect("batch-row", batch_id=batch.public_id, seq=seq)
    context = {
        "batch_id": batch.public_id,
        "is_deleted": batch.content_deleted_at is not None,
        "row": row_view(batch, judged.detail),
        "form": judged.form,
        "may_judge": visitor.may_submit and batch.state in BATCH_TERMINAL,
        "may_retry": visitor.may_submit and batch.state in BATCH_TERMINAL,
    }
    return render(request, "console/row.html", context, status=judged.form.status)


def _found(
    request: HttpRequest, visitor: Current, batch: Batch, wanted: RowFilter
) -> dict[str, Any]:
    attempts = attempts_among(members_below(batch.pk))
    after, before = item_number(request), item_number(request, "before")
    found = find_rows(
        batch,
        wanted,
        attempts,
        after=-1 if after is None else after,
        before=before,
        limit=_PAGE_ROWS,
    )
    lines = row_lines(found.rows)
    may_retry = visitor.may_submit and batch.state in BATCH_TERMINAL
    counts = count_rows(batch, attempts)
    return {
        "rows": lines,
        "is_merged": attempts is not None,
        "statuses": [(str(word), counts.get(word, 0)) for word in RowStatus],
        "total": sum(counts.values()),
        "has_choices": may_retry and any(line.is_unfinished for line in lines),
        "is_paged": after is not None or before is not None,
        **_beside(request, found),
    }


def _beside(request: HttpRequest, found: FoundRows) -> dict[str, str]:
    """Return the addresses of the pages beside this one; empty where there is none."""
    if not found.rows:
        return {"previous_url": "", "next_url": ""}
    first, last = found.rows[0][0], found.rows[-1][0]
    return {
        "previous_url": _at(request, before=first) if found.has_before else "",
        "next_url": _at(request, after=last) if found.has_after else "",
    }


def _at(request: HttpRequest, **place: int) -> str:
    kept = {name: request.GET[name] for name in ("q", "show") if request.GET.get(name)}
    return f"{request.path}?{urlencode({**kept, **place})}"
