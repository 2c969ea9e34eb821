"""Anthropic's wire: messages and message batches, in both versions of the API."""

from aiohttp import web

from simulator import anthropic_batches, anthropic_direct
from simulator.anthropic_lines import AnthropicLines
from simulator.anthropic_replies import error_body
from simulator.wires import Wire, bearer_key


def _add_routes(router: web.UrlDispatcher, prefix: str) -> None:
    messages = f"{prefix}/v1/messages"
    batches = f"{messages}/batches"
    router.add_post(messages, anthropic_direct.create_message)
    router.add_post(f"{messages}/count_tokens", anthropic_direct.count)
    router.add_post(batches, anthropic_batches.create)
    router.add_get(batches, anthropic_batches.listed)
    router.add_get(f"{batches}/{{batch_id}}", anthropic_batches.get)
    router.add_delete(f"{batches}/{{batch_id}}", anthropic_batches.delete)
    router.add_post(f"{batches}/{{batch_id}}/cancel", anthropic_batches.cancel)
    router.add_get(f"{batches}/{{batch_id}}/results", anthropic_batches.results)


def _key_of(request: web.Request) -> str:
    """Return the key of either header; ``x-api-key`` wins where both are sent."""
    return request.headers.get("x-api-key") or bearer_key(request)


ANTHROPIC_WIRE = Wire(
    "anthropic",
    "/anthropic",
    _add_routes,
    error_body=error_body,
    key_of=_key_of,
    id_header="request-id",
    lines=AnthropicLines(),
)
