"""Mistral's direct calls, and the upload of a job's lines."""

import json

from aiohttp import web

from simulator import files
from simulator.faults import CallFacts
from simulator.mistral_checks import check_body
from simulator.mistral_replies import reply
from simulator.replying import Handler, before_answer, send
from simulator.wire import dump, parse_object
from simulator.world import WORLD

PROVIDER = "mistral"


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


async def upload(request: web.Request) -> web.StreamResponse:
    """POST /files: OpenAI's form, answered with more fields."""
    response = await files.upload(request)
    if not isinstance(response, web.Response) or not isinstance(response.body, bytes):
        return response
    view = json.loads(response.body)
    shown = {
        name: view[name]
        for name in ("id", "object", "bytes", "created_at", "filename", "purpose")
    }
    more = {"sample_type": "batch_request", "source": "upload", "num_lines": None}
    return web.Response(body=dump({**shown, **more}), content_type="application/json")


async def _answer(request: web.Request, operation: str) -> web.StreamResponse:
    world = request.app[WORLD]
    raw = await request.read()
    left = world.remaining_calls(PROVIDER)
    body = parse_object(raw)
    model = str(body.get("model"))
    content = raw.decode("utf-8", "replace")
    plan = world.plan(CallFacts(PROVIDER, operation, model, content), body)
    await before_answer(request, plan)
    check_body(operation, body)
    call = (PROVIDER, model, operation, "direct")
    world.ledger.accept(call=call, ref=request.headers.get("X-Client-Ref", ""))
    answered = dump(reply(operation, body, plan))
    headers = {"X-RateLimit-Remaining": f"{left}"}
    return await send(request, answered, plan, headers)
