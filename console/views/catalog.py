"""The public catalog: models with prices, packaged jobs, providers."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from batchrouter.kit import clock
from catalog.models import PrivacyTier, Provider, Region
from catalog.queries import current_workflows, models_with_offerings
from catalog.rendering import example_manifest, model_json
from catalog.schemas import OPERATIONS
from catalog.selectors import UnknownWorkflow, offerings_for_models, workflow_row
from console.estimates import lane_prices
from console.presenters import models as show_models
from console.presenters import workflows as show_workflows
from console.presenters.manifests import pretty
from console.presenters.models import SORTS
from console.public import choice, public_page

_SEARCH_CHARS_MAX = 100
_EXAMPLE_ITEMS = 10_000


@public_page
def model_list(request: HttpRequest) -> HttpResponse:
    """GET /catalog/models: searched, filtered and sorted."""
    now = clock.now()
    providers = list(Provider.objects.order_by("pk").values_list("key", "display_name"))
    chosen = {
        "operation": choice(request, "operation", OPERATIONS),
        "provider": choice(request, "provider", [key for key, _ in providers]),
        "region": choice(request, "region", Region.values),
        "privacy_tier": choice(request, "privacy_tier", PrivacyTier.values),
    }
    search = request.GET.get("q", "")[:_SEARCH_CHARS_MAX]
    sort = choice(request, "sort", [*SORTS, *(f"-{name}" for name in SORTS)])
    found = models_with_offerings(
        now=now, **{name: word or None for name, word in chosen.items()}
    )
    lines = [show_models.model_line(model_json(model, now=now)) for model in found]
    context = {
        "models": show_models.sorted_lines(lines, search=search, sort=sort),
        "is_filtered": bool(search or any(chosen.values())),
        "search": search,
        "sort": sort,
        "heads": _heads(request, sort),
        "chosen": chosen,
        "operations": OPERATIONS,
        "providers": providers,
        "regions": Region.values,
        "tiers": PrivacyTier.values,
    }
    return render(request, "console/models.html", context)


_HEADS = (
    ("name", "Model", ""),
    ("input", "Direct in", "number"),
    ("output", "Direct out", "number"),
    ("batch", "Batch in / out", "number"),
    ("saving", "Saved", "number"),
    ("context", "Context", "number"),
)


def _heads(request: HttpRequest, sort: str) -> list[dict[str, str]]:
    """Return the columns with where a press on their head leads."""
    heads = []
    for name, label, css in _HEADS:
        query = request.GET.copy()
        query["sort"] = f"-{name}" if sort == name else name
        order = {name: "ascending", f"-{name}": "descending"}.get(sort, "none")
        heads.append(
            {
                "label": label,
                "css": css,
                "order": order,
                "url": f"?{query.urlencode()}",
            }
        )
    return heads


@public_page
def model_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """GET /catalog/models/{slug}; the slug may hold slashes."""
    now = clock.now()
    row = models_with_offerings(now=now).filter(slug=slug).first()
    if row is None:
        raise Http404("There is no such model.")
    context = {
        "model": show_models.model_page(model_json(row, now=now)),
        "manifest": pretty(example_manifest(row)),
    }
    return render(request, "console/model.html", context)


@public_page
def workflow_list(request: HttpRequest) -> HttpResponse:
    """GET /workflows."""
    lines = [show_workflows.workflow_line(product) for product in current_workflows()]
    return render(request, "console/workflows.html", {"workflows": lines})


@public_page
def workflow_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """GET /workflows/{slug}."""
    try:
        product = workflow_row(slug)
    except UnknownWorkflow as error:
        raise Http404(error.message) from error
    page = show_workflows.workflow_page(product)
    job = show_workflows.example_job(product, items=_EXAMPLE_ITEMS)
    offerings = offerings_for_models([page.model], now=clock.now())
    context: dict[str, Any] = {
        "workflow": page,
        "job": job,
        "lanes": lane_prices(offerings, job)[:4],
    }
    return render(request, "console/workflow.html", context)
