"""Parts of pages that ask for themselves anew every few seconds (htmx polling)."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def live_part(
    request: HttpRequest, template: str, context: Mapping[str, Any]
) -> HttpResponse:
    """Answer with a part of a page; once it has ended, the whole page is asked for.

    In the context ``live.is_open`` tells whether anything still moves.
    """
    response = render(request, template, dict(context))
    if not context["live"].is_open:
        # Rows, files and receipts are on the whole page only.
        response.headers["HX-Refresh"] = "true"
    return response
