"""Django's own error handlers, in the API's shape or as a page."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.exceptions import TemplateDoesNotExist
from django.template.loader import render_to_string

from batchrouter.web.errors import plain_error
from batchrouter.web.theme import theme_of

_TITLES = {
    400: "That request could not be read",
    403: "That is not allowed",
    404: "There is nothing here",
    500: "Something broke on our side",
}


def _answer(request: HttpRequest, status: int) -> HttpResponse:
    if request.path.startswith("/v1/") or "text/html" not in request.headers.get(
        "Accept", ""
    ):
        return plain_error(request, status)
    context = {
        "status": status,
        "title": _TITLES[status],
        "request_id": getattr(request, "request_id", ""),
        "theme": theme_of(request),
    }
    try:
        return HttpResponse(render_to_string("error.html", context), status=status)
    except TemplateDoesNotExist:
        return plain_error(request, status)


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """Answer 400."""
    return _answer(request, 400)


def forbidden(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """Answer 403."""
    return _answer(request, 403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer 403 to a form without its token."""
    return _answer(request, 403)


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """Answer 404."""
    return _answer(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500."""
    return _answer(request, 500)
