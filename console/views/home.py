"""The first page: what this is, or what is going on."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import Org
from batches.selectors import batches_of
from billing.balance_watch import low_balance
from billing.selectors import balance
from console.current import current_or_none
from console.presenters.batches import batch_line
from console.selectors import done_items
from console.views.landing import welcome

_RECENT = 8


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """GET /."""
    current = current_or_none(request)
    if current is None:
        return welcome(request)
    return _desk(request, current.org)


def _desk(request: HttpRequest, org: Org) -> HttpResponse:
    recent = list(batches_of(org).order_by("-pk")[:_RECENT])
    done = done_items(org, recent)
    lines = [batch_line(batch, done) for batch in recent]
    context = {
        "org_name": org.name,
        "balance": balance(org),
        "low_balance": low_balance(org),
        "running": [line for line in lines if line.is_open],
        "ended": [line for line in lines if not line.is_open],
        "base_url": settings.PUBLIC_BASE_URL,
    }
    return render(request, "console/home.html", context)
