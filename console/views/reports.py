"""The optimization report: what was saved, what was found, and what to change."""

from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from batches.services.importing import PROVIDERS
from batches.services.reporting import WINDOWS, report_of
from batchrouter.kit import clock
from console.current import org_of
from console.presenters.report_findings import PROVIDER_NAMES
from console.presenters.reports import report_page
from console.public import choice


@require_safe
@login_required
@never_cache
def report(request: HttpRequest) -> HttpResponse:
    """GET /reports: over some days, against the past jobs at one provider."""
    org = org_of(request)
    provider = choice(request, "import_provider", PROVIDERS) or PROVIDERS[0]
    days = int(choice(request, "days", [str(one) for one in WINDOWS]) or WINDOWS[0])
    body = report_of(org, import_provider=provider, days=days, now=clock.now())
    asked = urlencode({"import_provider": provider, "days": days})
    context = {
        "page": report_page(body),
        "import_provider": provider,
        "days": days,
        "download_url": f"/v1/batches/optimization-report?{asked}",
        "providers": [(key, PROVIDER_NAMES[key]) for key in PROVIDERS],
        "windows": sorted(WINDOWS),
    }
    return render(request, "console/reports.html", context)
