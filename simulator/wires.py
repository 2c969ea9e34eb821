"""The providers that are played: whose path prefix, error shape and key it is.

A further wire is a file of its own that offers a :class:`Wire`, and one line in
``simulator/app.py``.
"""

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from simulator.line_forms import LineForm
from simulator.wire import ApiError, Json

AddRoutes = Callable[[web.UrlDispatcher, str], None]
ErrorBody = Callable[[ApiError, str], Json]


def openai_error(refusal: ApiError, _request_id: str) -> Json:
    """Return a refusal in OpenAI's shape."""
    return refusal.body()


def bearer_key(request: web.Request) -> str:
    """Return the key in the ``Authorization`` header."""
    return request.headers.get("Authorization", "").removeprefix("Bearer ")


@dataclass(frozen=True)
class Wire:
    """One provider under one path prefix.

    Attributes:
        add_routes: puts its endpoints below the prefix.
        error_body: turns a refusal and the request's id into its error shape.
        key_of: reads the key that a request carries.
        id_header: where its replies name the request.
        lines: of its batches; None where it has none.
    """

    provider: str
    prefix: str
    add_routes: AddRoutes
    error_body: ErrorBody = openai_error
    key_of: Callable[[web.Request], str] = bearer_key
    id_header: str = "x-request-id"
    lines: LineForm | None = None


WIRES = web.AppKey("wires", tuple[Wire, ...])


def wire_of(request: web.Request) -> Wire | None:
    """Return the wire whose prefix the request's path has, or None."""
    for wire in request.app[WIRES]:
        if request.path.startswith(f"{wire.prefix}/"):
            return wire
    return None


def provider_of(request: web.Request) -> str:
    """Return whose wire the request's path prefix stands for."""
    wire = wire_of(request)
    return wire.provider if wire is not None else ""
