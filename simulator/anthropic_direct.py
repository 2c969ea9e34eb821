"""Anthropic's direct calls: messages and the count of their tokens."""

from collections.abc import Callable
from datetime import UTC, datetime

from aiohttp import web

from simulator.anthropic_checks import VERSIONS, check_messages_body
from simulator.anthropic_replies import count_tokens, message
from simulator.faults import CallFacts, Plan
from simulator.replying import before_answer, send
from simulator.wire import ApiError, Json, dump, parse_object
from simulator.world import WORLD

PROVIDER = "anthropic"


def version_of(request: web.Request) -> str:
    """Return the version of the API that the caller asks for.

    Raises:
        ApiError: 400 when it names none or one that there is not.
    """
    version = request.headers.get("anthropic-version", "")
    if version not in VERSIONS:
        raise ApiError(400, f"anthropic-version: {version!r} is not a valid version")
    return version


async def create_message(request: web.Request) -> web.StreamResponse:
    """POST /v1/messages."""
    ledger = request.app[WORLD].ledger
    ledger.enter()
    try:
        return await _answer(request, "messages", message)
    finally:
        ledger.leave()


async def count(request: web.Request) -> web.StreamResponse:
    """POST /v1/messages/count_tokens: free, and counted nowhere."""
    return await _answer(request, "count_tokens", lambda body, _: count_tokens(body))


async def _answer(
    request: web.Request, operation: str, made: Callable[[Json, Plan], Json]
) -> web.StreamResponse:
    world = request.app[WORLD]
    version = version_of(request)
    raw = await request.read()
    left = world.remaining_calls(PROVIDER)
    body = parse_object(raw)
    model = str(body.get("model"))
    content = raw.decode("utf-8", "replace")
    plan = world.plan(CallFacts(PROVIDER, operation, model, content), body)
    await before_answer(request, plan)
    if operation == "count_tokens":
        # The same body but for the cap, which counting has no use for.
        body.setdefault("max_tokens", 1)
    check_messages_body(body, version)
    if operation == "messages":
        call = (PROVIDER, model, operation, "direct")
        world.ledger.accept(call=call, ref=_ref(request, body))
    return await send(request, dump(made(body, plan)), plan, _headers(left))


def _headers(left: int) -> dict[str, str]:
    reset = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {
        "anthropic-ratelimit-requests-limit": "10000",
        "anthropic-ratelimit-requests-remaining": f"{left}",
        "anthropic-ratelimit-requests-reset": reset,
        "anthropic-ratelimit-tokens-limit": "10000000",
        "anthropic-ratelimit-tokens-remaining": "9999000",
        "anthropic-ratelimit-tokens-reset": reset,
    }


def _ref(request: web.Request, body: Json) -> str:
    named = (body.get("metadata") or {}).get("user_id")
    return str(named or request.headers.get("X-Client-Ref", ""))
