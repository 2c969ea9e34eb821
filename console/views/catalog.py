"""The public catalog: models with prices, and packaged jobs."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from batchrouter.kit import clock
from catalog.queries import current_workflows, models_with_offerings
from catalog.rendering import model_json
from console.presenters.catalog import model_group, workflow_line


@require_safe
def model_list(request: HttpRequest) -> HttpResponse:
    """GET /catalog/models."""
    now = clock.now()
    models = models_with_offerings(now=now)
    groups = [model_group(model_json(model, now=now)) for model in models]
    return render(request, "console/models.html", {"models": groups})


@require_safe
def workflow_list(request: HttpRequest) -> HttpResponse:
    """GET /workflows."""
    lines = [workflow_line(product) for product in current_workflows()]
    return render(request, "console/workflows.html", {"workflows": lines})
