"""The first page: what this is, or what is going on."""

from typing import Final

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from batches.services.spending import spending_of
from batchrouter.kit import clock
from billing.overview import position_of
from console.current import Current, current_or_none, org_of
from console.desk import facts_of, troubled_batches
from console.live import live_part
from console.presenters import home as show
from console.presenters.attention import attention
from console.presenters.batches import batch_line
from console.presenters.first_steps import first_steps
from console.selectors import motions, open_and_ended, open_batches
from console.views.landing import welcome

_OPEN_SHOWN: Final = 8
_ENDED_SHOWN: Final = 5
_DAYS_SHOWN: Final = 30


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """GET /."""
    current = current_or_none(request)
    if current is None:
        return welcome(request)
    return _desk(request, current)


@require_safe
@login_required
@never_cache
def live(request: HttpRequest) -> HttpResponse:
    """GET /live: what runs; the whole page once a batch has begun or ended."""
    org, now = org_of(request), clock.now()
    batches = list(open_batches(org, limit=_OPEN_SHOWN))
    seen = request.GET.get("seen", "")
    running = show.running(batches, motions(org, batches), now=now, seen=seen)
    return live_part(request, "console/_home_running.html", {"live": running})


def _desk(request: HttpRequest, current: Current) -> HttpResponse:
    org, now = current.org, clock.now()
    batches = list(
        open_and_ended(org, open_limit=_OPEN_SHOWN, ended_limit=_ENDED_SHOWN)
    )
    lines = [batch_line(batch, {}) for batch in batches]
    still_open = [
        batch for batch, line in zip(batches, lines, strict=True) if line.is_open
    ]
    running = show.running(still_open, motions(org, still_open), now=now)
    facts = facts_of(org, user_id=current.user.pk, now=now)
    position = position_of(org)
    troubled = troubled_batches(org, now=now)
    context = {
        "org_name": org.name,
        "live": running,
        "ended": [line for line in lines if not line.is_open],
        "position": position,
        "attention": attention(facts, position, troubled, running.lines),
        "steps": first_steps(facts),
        "has_batch": facts.has_batch,
        "money": show.money(spending_of(org, days=_DAYS_SHOWN, now=now)),
        "base_url": settings.PUBLIC_BASE_URL,
    }
    return render(request, "console/home.html", context)
