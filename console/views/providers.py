"""The public pages of providers: how they fare, and how they treat the data."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from batchrouter.kit import clock
from catalog import health, rendering
from catalog.models import ModelProfile, Provider
from console.presenters.providers import provider_line, provider_page
from console.public import public_page


@public_page
def provider_list(request: HttpRequest) -> HttpResponse:
    """GET /catalog/providers."""
    body = provider_bodies(clock.now())
    lines = [provider_line(body(row)) for row in Provider.objects.order_by("pk")]
    return render(request, "console/providers.html", {"providers": lines})


@public_page
def provider_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """GET /catalog/providers/{slug}."""
    row = Provider.objects.filter(key=slug).first()
    if row is None:
        raise Http404("There is no such provider.")
    models = ModelProfile.objects.filter(offerings__provider=row).distinct()
    context = {
        "provider": provider_page(provider_bodies(clock.now())(row)),
        "models": models.order_by("pk").values_list("slug", "display_name"),
    }
    return render(request, "console/provider.html", context)


def provider_bodies(now: datetime) -> Callable[[Provider], dict[str, Any]]:
    """Read how all providers fare once, and return how one is rendered."""
    observed = health.health_by_provider(now=now)
    present = health.present_by_provider(now=now)
    return lambda row: rendering.provider_json(
        row,
        observed.get(row.pk, health.unknown_health()),
        present.get(row.pk, health.IDLE),
    )
