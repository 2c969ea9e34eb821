"""The first page of a visitor: what this is, what it would cost, and the way in."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from batchrouter.kit import clock
from catalog.models import WorkflowProduct
from catalog.queries import current_workflows
from catalog.selectors import offerings_for_models
from console.presenters.landing import ExampleQuote, example_quote
from console.presenters.workflows import workflow_line
from console.public import public_page

_EXAMPLE_ITEMS = 10_000


@public_page
def welcome(request: HttpRequest) -> HttpResponse:
    """GET / without a login."""
    products = current_workflows()
    first = products[0] if products else None
    context = {
        "example": None if first is None else _example(first, now=clock.now()),
        "workflows": [workflow_line(product) for product in products[:6]],
    }
    return render(request, "console/welcome.html", context)


def _example(product: WorkflowProduct, *, now: datetime) -> ExampleQuote | None:
    """Price a packaged job at today's list prices."""
    model = product.preset_manifest["items"][0]["model"]
    offerings = offerings_for_models([model], now=now)
    return example_quote(product, offerings, items=_EXAMPLE_ITEMS)
