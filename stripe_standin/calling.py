"""What every API call goes through: key, latency, faults, Idempotency-Key."""

import asyncio
import base64
import hashlib
import json
import re
import time

from aiohttp import web

from stripe_standin import api, expanding, forms
from stripe_standin.desk import Desk
from stripe_standin.faults import Fault
from stripe_standin.wire import ApiError, ConnectionDropped, Json, dump
from stripe_standin.world import WORLD, World

_TEST_KEY = re.compile(r"(?:sk|rk)_test_[A-Za-z0-9]{8,}")
MAX_IDEMPOTENCY_KEY = 255


async def call(request: web.Request) -> web.Response:
    """Answer one call to /v1 in Stripe's way.

    Raises:
        ApiError: it is refused.
        ConnectionDropped: a fault wants no answer.
    """
    world = request.app[WORLD]
    _check_key(request, world)
    given = await _given(request)
    if world.settings.latency_ms:
        await asyncio.sleep(world.settings.latency_ms / 1_000)
    fault = world.faults.take(f"{request.method} {request.path}")
    if fault is not None and fault.when == "before":
        await _strike(fault)
    response = _answer_once(request, world, given, fault)
    world.work_waits.set()
    if fault is not None and fault.when == "after":
        await _strike(fault)
    return response


def base_url(request: web.Request) -> str:
    """Return where the caller, and so a browser on its machine, reaches us."""
    configured = request.app[WORLD].configured.public_url
    return configured or f"{request.scheme}://{request.host}"


def _check_key(request: web.Request, world: World) -> None:
    key = _key(request.headers.get("Authorization", ""))
    if not key:
        raise ApiError(401, "You did not provide an API key.")
    wanted = world.configured.api_key
    if key != wanted if wanted else not _TEST_KEY.fullmatch(key):
        raise ApiError(401, f"Invalid API Key provided: {key[:8]}***{key[-4:]}")


def _key(header: str) -> str:
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value).decode().partition(":")[0]
        except ValueError:
            return ""
    return ""


async def _given(request: web.Request) -> Json:
    if request.method != "POST":
        return forms.decode(request.query_string)
    try:
        return forms.decode((await request.read()).decode())
    except UnicodeDecodeError as problem:
        raise ApiError(400, "The body is not UTF-8.") from problem


def _answer_once(
    request: web.Request, world: World, given: Json, fault: Fault | None
) -> web.Response:
    """Take effect, or say again what the same key was answered before.

    Nothing awaits in here, so two calls with one key cannot both take effect.
    """
    key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
    if key is not None and len(key) > MAX_IDEMPOTENCY_KEY:
        raise ApiError(400, "The Idempotency-Key is too long.")
    asked = _fingerprint(request, given)
    said = _said_before(world, key, asked)
    if said is not None:
        return said
    desk = Desk(
        store=world.store,
        settings=world.settings,
        now=int(time.time()),
        base_url=base_url(request),
        request_id=request["request_id"],
        idempotency_key=key,
    )
    with world.store.transaction():
        answer = api.answer(desk, request.method, request.path, given)
        body = dump(expanding.expand(desk, answer, given))
        if key is not None:
            _remember(world, key, asked, body, fault)
    headers = {"Idempotency-Key": key} if key is not None else None
    return web.Response(body=body, content_type="application/json", headers=headers)


def _fingerprint(request: web.Request, given: Json) -> str:
    asked = f"{request.method} {request.path} {json.dumps(given, sort_keys=True)}"
    return hashlib.sha256(asked.encode()).hexdigest()


def _said_before(world: World, key: str | None, asked: str) -> web.Response | None:
    if key is None:
        return None
    row = world.store.answer_to(key)
    if row is None:
        return None
    if row["asked"] != asked:
        raise ApiError(
            400,
            "Keys for idempotent requests can only be used with the same parameters "
            f"they were first used with. Try using a key other than '{key}'.",
            error_type="idempotency_error",
        )
    return web.Response(
        body=row["body"],
        status=row["status"],
        content_type="application/json",
        headers={"Idempotency-Key": key, "Idempotent-Replayed": "true"},
    )


def _remember(
    world: World, key: str, asked: str, body: bytes, fault: Fault | None
) -> None:
    # As at Stripe, a key is answered for ever as it was the first time: also by a 500.
    if fault is not None and fault.when == "after" and fault.is_status:
        refusal = fault.refusal()
        world.store.save_answer(key, asked, refusal.status, dump(refusal.body()))
        return
    world.store.save_answer(key, asked, 200, body)


async def _strike(fault: Fault) -> None:
    if fault.kind == "reset":
        raise ConnectionDropped
    if fault.kind == "hang":
        await asyncio.sleep(fault.seconds)
        raise ConnectionDropped
    raise fault.refusal()
