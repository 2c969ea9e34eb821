"""What every request goes through: ids, keys, error shape and transport faults."""

import asyncio
import logging
import random
import socket
import struct
from collections.abc import Awaitable, Callable

from aiohttp import web

from simulator.faults import Plan
from simulator.wire import (
    ApiError,
    ConnectionDropped,
    broken,
    dump,
    new_id,
)
from simulator.wires import openai_error, wire_of
from simulator.world import WORLD, World

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
DRIP_MS = 50
logger = logging.getLogger(__name__)


@web.middleware
async def envelope(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Check the key, and turn refusals into the error shape of the wire."""
    world = request.app[WORLD]
    request["request_id"] = new_id("req_")
    try:
        if not request.path.startswith("/_sim/"):
            _check_key(request, world)
        response = await handler(request)
    except ApiError as refusal:
        response = refuse(request, refusal)
    except ConnectionDropped:
        drop(request)
        response = web.Response(status=500)
    except web.HTTPException as problem:
        response = refuse(request, _in_our_shape(request, problem))
    except Exception:
        logger.exception("%s %s broke", request.method, request.path)
        response = refuse(request, broken())
    if not response.prepared:
        response.headers[_id_header(request)] = request["request_id"]
    return response


def refuse(request: web.Request, refusal: ApiError) -> web.Response:
    """Return the reply for a refusal, and count it."""
    request.app[WORLD].ledger.refused[str(refusal.status)] += 1
    wire = wire_of(request)
    error_body = wire.error_body if wire is not None else openai_error
    return web.Response(
        body=dump(error_body(refusal, request["request_id"])),
        status=refusal.status,
        content_type="application/json",
        headers=dict(refusal.headers),
    )


def drop(request: web.Request) -> None:
    """Reset the connection so that the caller sees no answer at all."""
    transport = request.transport
    if transport is None:
        return
    raw = transport.get_extra_info("socket")
    if raw is not None:
        # Linger of zero makes the kernel send RST in place of an orderly close.
        linger = struct.pack("ii", 1, 0)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()


async def before_answer(request: web.Request, plan: Plan) -> None:
    """Wait and fail as the plan says, before anything is accepted.

    Raises:
        ApiError: a status fault struck.
        ConnectionDropped: the connection is to be reset unanswered.
    """
    world = request.app[WORLD]
    await _wait(world, plan)
    if plan.get("reset-before"):
        raise ConnectionDropped
    if plan.get("hang"):
        await _hang(request, world)
    refusal = plan.status_error()
    if refusal is not None:
        raise refusal


async def send(
    request: web.Request, body: bytes, plan: Plan, headers: dict[str, str] | None = None
) -> web.StreamResponse:
    """Answer 200 with JSON, as slowly or as broken as the plan says."""
    if plan.get("reset-after"):
        raise ConnectionDropped
    if plan.get("garbage"):
        body = b"<html>" + body[:20]
    drip = plan.get("drip")
    if drip:
        return await _drip(request, body, float(drip.options.get("ms", DRIP_MS)))
    return web.Response(body=body, content_type="application/json", headers=headers)


def _in_our_shape(request: web.Request, problem: web.HTTPException) -> ApiError:
    messages = {
        404: f"Invalid URL ({request.method} {request.path})",
        405: f"Method {request.method} is not allowed.",
        413: "Maximum content size limit exceeded.",
    }
    return ApiError(problem.status, messages.get(problem.status, problem.reason))


def _check_key(request: web.Request, world: World) -> None:
    if world.api_key is None:
        return
    wire = wire_of(request)
    if wire is None or wire.key_of(request) != world.api_key:
        raise ApiError(401, "Incorrect API key provided.", code="invalid_api_key")


async def _wait(world: World, plan: Plan) -> None:
    settings = world.settings
    wait_ms = settings.latency_ms + settings.jitter_ms * random.random()
    latency = plan.get("latency")
    if latency:
        wait_ms += float(latency.options.get("ms", 1_000))
    if wait_ms:
        await asyncio.sleep(wait_ms / 1_000)


async def _hang(request: web.Request, world: World) -> None:
    """Say nothing until the caller leaves or the simulator stops."""
    while not world.stopping.is_set() and not _is_gone(request):
        await asyncio.sleep(0.05)
    raise ConnectionDropped


async def _drip(request: web.Request, body: bytes, gap_ms: float) -> web.StreamResponse:
    headers = {_id_header(request): request["request_id"]}
    response = web.StreamResponse(headers=headers)
    response.content_type = "application/json"
    response.content_length = len(body)
    await response.prepare(request)
    for index in range(len(body)):
        if request.app[WORLD].stopping.is_set() or _is_gone(request):
            raise ConnectionDropped
        await response.write(body[index : index + 1])
        await asyncio.sleep(gap_ms / 1_000)
    await response.write_eof()
    return response


def _id_header(request: web.Request) -> str:
    wire = wire_of(request)
    return wire.id_header if wire is not None else "x-request-id"


def _is_gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()
