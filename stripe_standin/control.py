"""The /_standin doors: what a payer, a bank or the dashboard would do, and faults."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from stripe_standin import (
    deliveries,
    delivering,
    disputes,
    endpoints,
    params,
    paying,
    payouts,
    refunds,
    sessions,
)
from stripe_standin.calling import base_url
from stripe_standin.desk import Desk
from stripe_standin.settings import OUTCOMES
from stripe_standin.wire import Json, dump, invalid, parse_object, public
from stripe_standin.world import WORLD

Handler = Callable[[web.Request], Awaitable[web.Response]]
Doing = Callable[[Desk, Json, str], Json]


def add_routes(router: web.UrlDispatcher) -> None:
    """Add the control doors."""
    router.add_get("/_standin/health", health)
    router.add_get("/_standin/settings", settings)
    router.add_post("/_standin/settings", settings)
    router.add_get("/_standin/faults", faults)
    router.add_post("/_standin/faults", faults)
    router.add_delete("/_standin/faults", faults)
    router.add_get("/_standin/deliveries", list_deliveries)
    router.add_post("/_standin/deliveries/release", release)
    router.add_post("/_standin/events/{id}/resend", resend)
    router.add_post("/_standin/webhook_secrets", webhook_secrets)
    router.add_post("/_standin/reset", reset)
    for path, doing in _DOINGS.items():
        router.add_post(f"/_standin/{path}", _door(doing))


async def health(request: web.Request) -> web.Response:
    """GET /_standin/health."""
    up = time.time() - request.app[WORLD].started_at
    return _json({"status": "ok", "uptime_seconds": round(up, 1)})


async def settings(request: web.Request) -> web.Response:
    """GET shows the knobs, POST turns some; both answer with all."""
    world = request.app[WORLD]
    if request.method == "POST":
        world.settings.turn(parse_object(await request.read()))
        world.work_waits.set()
    return _json(world.settings.view())


async def faults(request: web.Request) -> web.Response:
    """GET lists faults, POST adds one, DELETE removes all; all answer with the list."""
    book = request.app[WORLD].faults
    if request.method == "POST":
        book.add(parse_object(await request.read()))
    elif request.method == "DELETE":
        book.clear()
    return _json({"faults": [fault.view() for fault in book.faults]})


async def list_deliveries(request: web.Request) -> web.Response:
    """GET /_standin/deliveries: oldest first."""
    return _json({"deliveries": deliveries.view(request.app[WORLD].store)})


async def release(request: web.Request) -> web.Response:
    """POST /_standin/deliveries/release: one after the other, also while paused.

    ``order`` names events or types; without it all that waits goes as it came.
    """
    world = request.app[WORLD]
    order = parse_object(await request.read()).get("order")
    if order is not None and not isinstance(order, list):
        raise invalid("order is a list of event ids or types.", param="order")
    rows = deliveries.pending(world.store, order)
    await delivering.release(world, rows)
    return _json({"released": [row["event_id"] for row in rows]})


async def resend(request: web.Request) -> web.Response:
    """POST /_standin/events/{id}/resend: to all endpoints, whatever was before."""
    world = request.app[WORLD]
    event = world.store.get("event", request.match_info["id"])
    with world.store.transaction():
        for endpoint in list(endpoints.every(world.store)):
            if endpoint["status"] == "enabled":
                deliveries.add(world.store, event, endpoint["id"], "pending", 0.0)
    world.work_waits.set()
    return _json(public(event))


async def webhook_secrets(request: web.Request) -> web.Response:
    """POST /_standin/webhook_secrets: sign with these, as during a rotation."""
    sent = parse_object(await request.read())
    secrets = sent.get("secrets")
    if not isinstance(secrets, list) or not all(isinstance(s, str) for s in secrets):
        raise invalid("secrets is a list of texts.", param="secrets")
    store = request.app[WORLD].store
    endpoint_id = str(sent.get("endpoint", endpoints.CONFIGURED_ID))
    endpoint = store.get("webhook_endpoint", endpoint_id)
    store.save({**endpoint, "_secrets": secrets})
    return _json({"secrets": len(secrets)})


async def reset(request: web.Request) -> web.Response:
    """POST /_standin/reset: forget all but what the command line said."""
    world = request.app[WORLD]
    world.settings.reset()
    world.faults.clear()
    with world.store.transaction():
        world.store.empty()
        endpoints.configure(world.store, world.configured, int(time.time()))
    # What comes after this answer comes from what is done after it.
    while world.posts_under_way:
        await asyncio.sleep(0.01)
    return _json({"status": "reset"})


def _door(doing: Doing) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        world = request.app[WORLD]
        sent = parse_object(await request.read())
        desk = Desk(world.store, world.settings, int(time.time()), base_url(request))
        with world.store.transaction():
            made = doing(desk, sent, request.match_info.get("id", ""))
        world.work_waits.set()
        return _json(public(made))

    return handle


def _pay(desk: Desk, sent: Json, session_id: str) -> Json:
    """Pay as a person would; answers with the session, whatever became of it."""
    params.known(sent, "card", "bank_debit")
    if sent.get("bank_debit"):
        paying.by_bank_debit(desk, session_id)
    else:
        paying.by_card(desk, session_id, str(sent.get("card", "4242424242424242")))
    return desk.get("checkout.session", session_id)


def _settle(desk: Desk, sent: Json, session_id: str) -> Json:
    outcome = params.choice(sent.get("outcome", "succeeded"), "outcome", *OUTCOMES)
    return paying.settle(desk, session_id, outcome)


def _close(desk: Desk, sent: Json, dispute_id: str) -> Json:
    return disputes.close(desk, dispute_id, str(sent.get("status")))


def _alone(doing: Callable[[Desk, str], Json]) -> Doing:
    return lambda desk, _sent, object_id: doing(desk, object_id)


def _making(doing: Callable[[Desk, Any], Json]) -> Doing:
    return lambda desk, sent, _object_id: doing(desk, sent)


_DOINGS: Mapping[str, Doing] = {
    "sessions/{id}/pay": _pay,
    "sessions/{id}/settle": _settle,
    "sessions/{id}/expire": sessions.expire,
    "payments": _making(paying.foreign),
    "payouts": _making(payouts.make),
    "refunds": _making(refunds.create),
    "refunds/{id}/settle": _alone(refunds.settle),
    "refunds/{id}/fail": _alone(refunds.fail),
    "disputes": _making(disputes.open_dispute),
    "disputes/{id}/escalate": _alone(disputes.escalate),
    "disputes/{id}/respond": _alone(disputes.respond),
    "disputes/{id}/withdraw": _alone(disputes.withdraw),
    "disputes/{id}/close": _close,
}


def _json(body: Json) -> web.Response:
    return web.Response(body=dump(body), content_type="application/json")
