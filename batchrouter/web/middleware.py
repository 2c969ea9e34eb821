"""Give every request an id, in the reply, in the logs and in errors."""

import secrets
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

from batchrouter.kit.ids import ALPHABET


def new_request_id() -> str:
    """Make the id of one request."""
    return "req_" + "".join(secrets.choice(ALPHABET) for _ in range(20))


class RequestContextMiddleware:
    """Set ``request.request_id`` and bind it to the log context."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = new_request_id()
        request.request_id = request_id  # type: ignore[attr-defined] # read by errors
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
        response["X-Request-Id"] = request_id
        return response
