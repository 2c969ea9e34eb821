"""How the service is now, from the facts that readiness and health already tell."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from batchrouter.kit import clock
from batchrouter.web.capabilities import capabilities
from batchrouter.web.health import readiness
from catalog.models import Provider
from console.presenters.providers import provider_line
from console.presenters.status import notes, overall, parts
from console.public import public_page
from console.views.providers import provider_bodies


@public_page
def status(request: HttpRequest) -> HttpResponse:
    """GET /status."""
    now = clock.now()
    ready = readiness()
    body = provider_bodies(now)
    providers = [provider_line(body(row)) for row in Provider.objects.order_by("pk")]
    context = {
        "overall": overall(ready, providers),
        "parts": parts(ready),
        "notes": notes(ready),
        "providers": [line for line in providers if line.is_enabled],
        "features": capabilities().items(),
        "now": now,
    }
    return render(request, "console/status.html", context)
