"""OpenRouter's wire: direct calls as OpenAI's, batches of its own."""

from aiohttp import web

from simulator import openrouter_batches
from simulator.openai_wire import add_direct
from simulator.openrouter_batches import OpenRouterLines, error_body
from simulator.wires import Wire


def _add_routes(router: web.UrlDispatcher, prefix: str) -> None:
    # The path of its real address, and a short one.
    for version in (f"{prefix}/api/v1", f"{prefix}/v1"):
        add_direct(router, version)
        batches = f"{version}/batches"
        router.add_post(batches, openrouter_batches.create)
        router.add_get(batches, openrouter_batches.listed)
        router.add_get(f"{batches}/{{batch_id}}", openrouter_batches.get)
        router.add_delete(f"{batches}/{{batch_id}}", openrouter_batches.delete)


OPENROUTER_WIRE = Wire(
    "openrouter",
    "/openrouter",
    _add_routes,
    error_body=error_body,
    lines=OpenRouterLines(),
)
