"""Direct calls: responses, chat completions, embeddings and models."""

from aiohttp import web

from simulator.bodies import check_body, check_model
from simulator.dialects import dressed, lead_of
from simulator.faults import CallFacts, Plan
from simulator.replies import reply
from simulator.replying import Handler, before_answer, send
from simulator.wire import Json, dump, parse_object
from simulator.wires import provider_of
from simulator.world import WORLD, World

MODELS = (
    *("gpt-6-astra", "gpt-6.1-sol", "gpt-6-luna", "gpt-5.5", "gpt-5.4"),
    *("gpt-5.4-mini", "gpt-5.4-nano"),
    *("text-embedding-3-small", "text-embedding-3-large"),
)
_MODEL_CREATED_AT = 1_767_225_600  # 2026-01-01


def direct(operation: str) -> Handler:
    """Return the handler of one direct endpoint."""

    async def handle(request: web.Request) -> web.StreamResponse:
        ledger = request.app[WORLD].ledger
        ledger.enter()
        try:
            return await _answer(request, operation)
        finally:
            ledger.leave()

    return handle


async def list_models(request: web.Request) -> web.StreamResponse:
    """GET /models."""
    plan = _models_plan(request)
    await before_answer(request, plan)
    page = {"object": "list", "data": [_model(name) for name in MODELS]}
    return await send(request, dump(page), plan)


async def get_model(request: web.Request) -> web.StreamResponse:
    """GET /models/{id}: any name exists unless it starts with ``missing-``."""
    plan = _models_plan(request)
    await before_answer(request, plan)
    name = request.match_info["model"]
    check_model(name)
    return await send(request, dump(_model(name)), plan)


async def _answer(request: web.Request, operation: str) -> web.StreamResponse:
    world, provider = request.app[WORLD], provider_of(request)
    raw = await request.read()
    left = world.remaining_calls(provider)
    body = parse_object(raw)
    model = str(body.get("model"))
    content = raw.decode("utf-8", "replace")
    plan = world.plan(CallFacts(provider, operation, model, content), body)
    await before_answer(request, plan)
    check_body(operation, body, provider)
    call = (provider, model, operation, "direct")
    world.ledger.accept(call=call, ref=_ref(request, body))
    made = dressed(provider, operation, reply(operation, body, plan), plan)
    answered = lead_of(provider) + dump(made)
    return await send(request, answered, plan, _headers(world, left))


def _headers(world: World, left: int) -> dict[str, str]:
    limit = int(world.settings.rate_limit_rps) or 10_000
    return {
        "x-ratelimit-limit-requests": f"{limit}",
        "x-ratelimit-remaining-requests": f"{left}",
        "x-ratelimit-reset-requests": "6ms",
        "x-ratelimit-limit-tokens": "10000000",
        "x-ratelimit-remaining-tokens": "9999000",
        "x-ratelimit-reset-tokens": "6ms",
        "openai-processing-ms": "5",
    }


def _ref(request: web.Request, body: Json) -> str:
    """Return the caller's own name for this call, so that repeats can be counted."""
    named = (body.get("metadata") or {}).get("ref") or body.get("user")
    return str(named or request.headers.get("X-Client-Ref", ""))


def _models_plan(request: web.Request) -> Plan:
    world = request.app[WORLD]
    name = request.match_info.get("model", "")
    return world.plan(CallFacts(provider_of(request), "models", name))


def _model(name: str) -> Json:
    return {
        "id": name,
        "object": "model",
        "created": _MODEL_CREATED_AT,
        "owned_by": "simulator",
    }
