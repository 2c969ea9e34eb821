"""What Gemini's models do: generate, embed, count, and begin batches.

The verb follows the model's name after a colon, which some clients write ``%3A``.
"""

from collections.abc import Callable
from urllib.parse import unquote

from aiohttp import web

from simulator import gemini_batches
from simulator.faults import CallFacts, Plan
from simulator.gemini_checks import check_content, check_embedding
from simulator.gemini_replies import content_reply, count_reply, vectors_reply
from simulator.replying import before_answer, send
from simulator.wire import ApiError, Json, dump, parse_object
from simulator.world import WORLD

PROVIDER = "gemini"
Make = Callable[[str, Json, Plan], Json]


async def model_call(request: web.Request) -> web.StreamResponse:
    """POST /{version}/models/{model}:{verb}."""
    model, _, verb = unquote(request.match_info["call"]).rpartition(":")
    if verb in gemini_batches.ENDPOINTS:
        return await gemini_batches.create(request, model, verb)
    if verb not in _VERBS:
        raise ApiError(404, f"Unknown method: {verb!r}.")
    ledger = request.app[WORLD].ledger
    ledger.enter()
    try:
        return await _answer(request, model, verb)
    finally:
        ledger.leave()


async def _answer(request: web.Request, model: str, verb: str) -> web.StreamResponse:
    world = request.app[WORLD]
    operation, make = _VERBS[verb]
    raw = await request.read()
    world.remaining_calls(PROVIDER)
    body = parse_object(raw)
    content = raw.decode("utf-8", "replace")
    plan = world.plan(CallFacts(PROVIDER, operation, model, content), body)
    await before_answer(request, plan)
    answered = make(model, body, plan)
    if operation != "count_tokens":
        call = (PROVIDER, model, operation, "direct")
        world.ledger.accept(call=call, ref=request.headers.get("X-Client-Ref", ""))
    return await send(request, dump(answered), plan)


def _generate(model: str, body: Json, plan: Plan) -> Json:
    check_content(model, body)
    return content_reply(model, body, plan)


def _embed(model: str, body: Json, plan: Plan) -> Json:
    requests = body.get("requests")
    if not isinstance(requests, list) or not requests:
        raise ApiError(400, "requests: at least one request is required")
    for one in requests:
        check_embedding(model, one, names_model=True)
    return vectors_reply(model, requests, plan)


def _count(model: str, body: Json, _plan: Plan) -> Json:
    check_content(model, body)
    return count_reply(model, body)


_VERBS: dict[str, tuple[str, Make]] = {
    "generateContent": ("generate", _generate),
    "batchEmbedContents": ("embeddings", _embed),
    "countTokens": ("count_tokens", _count),
}
