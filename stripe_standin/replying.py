"""What every request goes through: ids, headers, and refusals in Stripe's shape."""

import logging
import socket
import struct
from collections.abc import Awaitable, Callable

from aiohttp import web

from stripe_standin.wire import (
    API_VERSION,
    ApiError,
    ConnectionDropped,
    broken,
    dump,
    new_id,
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
logger = logging.getLogger(__name__)


@web.middleware
async def envelope(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn refusals into Stripe's error shape, and add Stripe's headers."""
    request["request_id"] = new_id("req_", 14)
    try:
        response = await handler(request)
    except ApiError as refusal:
        response = _refuse(refusal)
    except ConnectionDropped:
        _drop(request)
        response = web.Response(status=500)
    except web.HTTPException as problem:
        response = _refuse(ApiError(problem.status, problem.reason))
    except Exception:
        logger.exception("%s %s broke", request.method, request.path)
        response = _refuse(broken())
    if request.path.startswith("/v1/"):
        response.headers["Request-Id"] = request["request_id"]
        version = request.headers.get("Stripe-Version", API_VERSION)
        response.headers["Stripe-Version"] = version
    return response


def _refuse(refusal: ApiError) -> web.Response:
    return web.Response(
        body=dump(refusal.body()),
        status=refusal.status,
        content_type="application/json",
        headers=dict(refusal.headers),
    )


def _drop(request: web.Request) -> None:
    """Reset the connection so that the caller sees no answer at all."""
    transport = request.transport
    if transport is None:
        return
    raw = transport.get_extra_info("socket")
    if raw is not None:
        # Linger of zero makes the kernel send RST in place of an orderly close.
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
