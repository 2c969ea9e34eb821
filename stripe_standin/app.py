"""The web application: which path goes to which handler."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from stripe_standin import calling, control, endpoints, page
from stripe_standin.delivering import deliver
from stripe_standin.replying import envelope
from stripe_standin.settings import Settings
from stripe_standin.store import Store
from stripe_standin.timekeeping import keep_time
from stripe_standin.world import WORLD, Configured, World

MAX_BODY_BYTES = 1024 * 1024


def build_app(
    data_dir: Path, settings: Settings, configured: Configured
) -> web.Application:
    """Return the application over ``data_dir``."""
    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[envelope])
    world = World(Store(data_dir), configured, settings)
    endpoints.configure(world.store, configured, int(time.time()))
    app[WORLD] = world
    app.router.add_get("/pay/{session_id}", page.show)
    app.router.add_post("/pay/{session_id}", page.pay)
    control.add_routes(app.router)
    app.router.add_route("*", "/v1/{path:.+}", calling.call)
    app.cleanup_ctx.append(_work)
    return app


async def _work(app: web.Application) -> AsyncIterator[None]:
    """Deliver and keep time while the application runs."""
    world = app[WORLD]
    tasks = [asyncio.create_task(deliver(world)), asyncio.create_task(keep_time(world))]
    yield
    for task in tasks:
        task.cancel()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError):
            await task
    world.store.close()
