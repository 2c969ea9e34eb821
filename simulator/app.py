"""The web application: which path goes to which handler."""

from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from simulator import admin
from simulator.anthropic_wire import ANTHROPIC_WIRE
from simulator.batch_run import BatchRunner
from simulator.batches import RUNNER
from simulator.fireworks_wire import FIREWORKS_WIRE
from simulator.gemini_wire import GEMINI_WIRE
from simulator.mistral_wire import MISTRAL_WIRE
from simulator.openai_wire import OPENAI_WIRES
from simulator.openrouter_wire import OPENROUTER_WIRE
from simulator.replying import envelope
from simulator.together_wire import TOGETHER_WIRE
from simulator.wires import WIRES, Wire
from simulator.world import WORLD, Settings, open_world

MAX_JSON_BYTES = 32 * 1024 * 1024

# Every provider that is played.
ALL_WIRES: tuple[Wire, ...] = (
    *OPENAI_WIRES,
    *(ANTHROPIC_WIRE, GEMINI_WIRE, MISTRAL_WIRE),
    *(TOGETHER_WIRE, FIREWORKS_WIRE, OPENROUTER_WIRE),
)


def build_app(
    data_dir: Path, settings: Settings, api_key: str | None
) -> web.Application:
    """Return the application over ``data_dir``."""
    app = web.Application(client_max_size=MAX_JSON_BYTES, middlewares=[envelope])
    app[WORLD] = open_world(data_dir, settings, api_key)
    forms = {wire.provider: wire.lines for wire in ALL_WIRES if wire.lines}
    app[RUNNER] = BatchRunner(app[WORLD], data_dir, forms)
    app[WIRES] = ALL_WIRES
    for wire in ALL_WIRES:
        wire.add_routes(app.router, wire.prefix)
    _add_admin(app.router)
    app.on_shutdown.append(_let_go)
    app.cleanup_ctx.append(_batches_run)
    return app


def _add_admin(router: web.UrlDispatcher) -> None:
    router.add_get("/_sim/health", admin.health)
    router.add_get("/_sim/stats", admin.stats)
    router.add_get("/_sim/accepted", admin.accepted)
    router.add_post("/_sim/reset", admin.reset)
    router.add_get("/_sim/settings", admin.settings)
    router.add_post("/_sim/settings", admin.settings)
    router.add_get("/_sim/faults", admin.get_faults)
    router.add_post("/_sim/faults", admin.post_faults)
    router.add_delete("/_sim/faults", admin.delete_faults)
    router.add_delete("/_sim/faults/{rule_id}", admin.delete_faults)


async def _let_go(app: web.Application) -> None:
    """Release the calls that hang or drip, so that stopping is quick."""
    app[WORLD].stopping.set()


async def _batches_run(app: web.Application) -> AsyncIterator[None]:
    world, runner = app[WORLD], app[RUNNER]
    runner.resume()
    yield
    await runner.stop()
    world.save_ledger()
    world.store.close()
