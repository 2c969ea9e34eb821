"""A month's statement to print, and as a file."""

from itertools import islice

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from batchrouter.kit import clock
from batchrouter.kit.errors import NotFound
from billing.months import parse_month
from billing.statements import statement, statement_entries, statement_lines
from billing.statements_api import csv_reply
from console.current import org_of
from console.presenters.statements import line_view, statement_view

# Some sixty pages of paper; the file has every line.
LINES_MAX = 2000


@require_safe
@login_required
def printable(request: HttpRequest, month: str) -> HttpResponse:
    """GET /billing/statements/{month}."""
    org = org_of(request)
    try:
        found = statement(org, parse_month(month), now=clock.now())
    except NotFound as error:
        raise Http404(error.message) from error
    entries = statement_entries(org, found.head.month)
    lines = statement_lines(entries, found.head.opening)
    context = {
        "org_name": org.name,
        "org_id": org.public_id,
        "statement": statement_view(found),
        "lines": [line_view(line) for line in islice(lines, LINES_MAX)],
        "lines_left_out": max(0, found.head.entry_count - LINES_MAX),
    }
    return render(request, "console/statement.html", context)


@require_safe
@login_required
def as_csv(request: HttpRequest, month: str) -> StreamingHttpResponse:
    """GET /billing/statements/{month}.csv."""
    try:
        return csv_reply(org_of(request), parse_month(month))
    except NotFound as error:
        raise Http404(error.message) from error
