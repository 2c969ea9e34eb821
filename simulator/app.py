"""The web application: which path goes to which handler."""

from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from simulator import admin, batches, calls, files
from simulator.batch_run import BatchRunner
from simulator.batches import RUNNER
from simulator.replying import envelope
from simulator.wire import PREFIXES
from simulator.world import WORLD, Settings, open_world

MAX_JSON_BYTES = 32 * 1024 * 1024


def build_app(
    data_dir: Path, settings: Settings, api_key: str | None
) -> web.Application:
    """Return the application over ``data_dir``."""
    app = web.Application(client_max_size=MAX_JSON_BYTES, middlewares=[envelope])
    app[WORLD] = open_world(data_dir, settings, api_key)
    app[RUNNER] = BatchRunner(app[WORLD], data_dir)
    for prefix, provider in PREFIXES.items():
        _add_direct(app.router, prefix)
        if provider == "openai":
            _add_batches(app.router, prefix)
    _add_admin(app.router)
    app.on_shutdown.append(_let_go)
    app.cleanup_ctx.append(_batches_run)
    return app


def _add_direct(router: web.UrlDispatcher, prefix: str) -> None:
    router.add_post(f"{prefix}/responses", calls.direct("responses"))
    router.add_post(f"{prefix}/chat/completions", calls.direct("chat"))
    router.add_post(f"{prefix}/embeddings", calls.direct("embeddings"))
    router.add_get(f"{prefix}/models", calls.list_models)
    # Some providers have a slash in their model names.
    router.add_get(f"{prefix}/models/{{model:.+}}", calls.get_model)


def _add_batches(router: web.UrlDispatcher, prefix: str) -> None:
    router.add_post(f"{prefix}/files", files.upload)
    router.add_get(f"{prefix}/files", files.list_files)
    router.add_get(f"{prefix}/files/{{file_id}}", files.get_file)
    router.add_delete(f"{prefix}/files/{{file_id}}", files.delete_file)
    router.add_get(f"{prefix}/files/{{file_id}}/content", files.get_content)
    router.add_post(f"{prefix}/batches", batches.create_batch)
    router.add_get(f"{prefix}/batches", batches.list_batches)
    router.add_get(f"{prefix}/batches/{{batch_id}}", batches.get_batch)
    router.add_post(f"{prefix}/batches/{{batch_id}}/cancel", batches.cancel_batch)


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
