"""Endpoints whose refusals have another shape than the rest of their wire."""

from aiohttp import web

from simulator.replying import Handler
from simulator.wire import ApiError


def refusing_as(kind: type[ApiError], handler: Handler) -> Handler:
    """Return the handler with its refusals turned into ``kind``."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except ApiError as refusal:
            raise kind(**vars(refusal)) from refusal

    return handle
