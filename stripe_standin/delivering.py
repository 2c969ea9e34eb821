"""Posting events to their endpoints, in turn, until they answer 2xx."""

import asyncio
import contextlib
import logging
import sqlite3
import time

import aiohttp

from stripe_standin import deliveries
from stripe_standin.signing import signature
from stripe_standin.wire import dump, public
from stripe_standin.world import World

AT_ONCE = 8
ANSWER_SECONDS = 20.0
_LOOK_SECONDS = 0.5
logger = logging.getLogger(__name__)


async def deliver(world: World) -> None:
    """Deliver what is due, for as long as the stand-in runs."""
    async with _http() as http:
        while True:
            await _wait_for_work(world)
            if world.settings.paused:
                continue
            rows = deliveries.due(world.store, time.time(), AT_ONCE)
            await asyncio.gather(*(attempt(world, http, row) for row in rows))


async def release(world: World, rows: list[sqlite3.Row]) -> None:
    """Deliver these one after the other, each answered before the next is sent."""
    async with _http() as http:
        for row in rows:
            await attempt(world, http, row)


async def attempt(world: World, http: aiohttp.ClientSession, row: sqlite3.Row) -> None:
    """Post one event once, and record how that went."""
    world.posts_under_way += 1
    try:
        status = await _post(world, http, row)
    finally:
        world.posts_under_way -= 1
    pause_ms = min(
        world.settings.retry_first_ms * 2 ** min(row["attempts"], 30),
        world.settings.retry_max_ms,
    )
    tries = row["attempts"] + 1
    if status is not None and 200 <= status < 300:
        state = "delivered"
    else:
        state = "failed" if tries >= world.settings.retry_attempts else "pending"
    at = time.time() + pause_ms / 1_000
    deliveries.tried(world.store, row["seq"], state, status, at)


def _http() -> aiohttp.ClientSession:
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    return aiohttp.ClientSession(timeout=timeout)


async def _wait_for_work(world: World) -> None:
    at = deliveries.next_at(world.store)
    if at is not None and at <= time.time() and not world.settings.paused:
        return
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(world.work_waits.wait(), _pause(at))
    world.work_waits.clear()


def _pause(at: float | None) -> float:
    wait = _LOOK_SECONDS if at is None else at - time.time()
    return min(max(wait, 0.01), _LOOK_SECONDS)


async def _post(
    world: World, http: aiohttp.ClientSession, row: sqlite3.Row
) -> int | None:
    event = world.store.find(row["event_id"])
    endpoint = world.store.find(row["endpoint_id"])
    if event is None or endpoint is None:  # forgotten by a reset meanwhile
        return None
    body = dump(public(event))
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": signature(body, endpoint["_secrets"], int(time.time())),
        "User-Agent": "Stripe/1.0 (stand-in)",
    }
    try:
        async with http.post(
            endpoint["url"], data=body, headers=headers, allow_redirects=False
        ) as answer:
            await answer.read()
            return answer.status
    except (aiohttp.ClientError, TimeoutError, ValueError) as problem:
        logger.info("%s not delivered: %s", event["id"], type(problem).__name__)
        return None
