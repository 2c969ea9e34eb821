"""Give every request an id, in the reply, in the logs and in errors."""

import secrets
from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from batchrouter.kit.ids import ALPHABET
from batchrouter.web.errors import plain_error

Handler = Callable[[HttpRequest], HttpResponse]


def new_request_id() -> str:
    """Make the id of one request."""
    return "req_" + "".join(secrets.choice(ALPHABET) for _ in range(20))


class RequestContextMiddleware:
    """Set ``request.request_id`` and bind it to the log context."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = new_request_id()
        request.request_id = request_id  # type: ignore[attr-defined] # read by errors
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = _in_api_shape(request, self.get_response(request))
        response["X-Request-Id"] = request_id
        return response


def _in_api_shape(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Give what Django refuses by itself, in its own words, the API's shape."""
    is_shaped = response.headers.get("Content-Type", "") == "application/json"
    if response.status_code < 400 or is_shaped or not request.path.startswith("/v1/"):
        return response
    shaped = plain_error(request, response.status_code)
    if "Allow" in response.headers:
        shaped["Allow"] = response["Allow"]
    return shaped


class RefuseNulMiddleware:
    """Refuse NUL characters in addresses: no name holds one, nor can PostgreSQL."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\0" in request.path:
            return plain_error(request, 404)
        if "%00" in request.META.get("QUERY_STRING", ""):
            return plain_error(request, 400)
        return self.get_response(request)


class BodyLimitMiddleware:
    """Refuse a body that is too large for its address before a byte of it is read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.headers.get("Content-Length", "")
        limit = (
            settings.UPLOAD_BYTES_MAX
            if request.path in settings.UPLOAD_PATHS
            else settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        )
        if length.isascii() and length.isdigit() and int(length) > limit:
            return plain_error(request, 413)
        return self.get_response(request)
