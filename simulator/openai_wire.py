"""The wires of OpenAI's shape: OpenAI itself, Groq, and copies of its direct calls."""

from aiohttp import web

from simulator import batches, calls, files
from simulator.rows import OpenAILines
from simulator.wires import Wire

_COPIES = ("deepseek",)


def add_direct(router: web.UrlDispatcher, prefix: str) -> None:
    """Put the direct endpoints below ``prefix``."""
    router.add_post(f"{prefix}/responses", calls.direct("responses"))
    router.add_post(f"{prefix}/chat/completions", calls.direct("chat"))
    router.add_post(f"{prefix}/embeddings", calls.direct("embeddings"))
    router.add_get(f"{prefix}/models", calls.list_models)
    # Some providers have a slash in their model names.
    router.add_get(f"{prefix}/models/{{model:.+}}", calls.get_model)


def _add_all(router: web.UrlDispatcher, prefix: str) -> None:
    add_direct(router, prefix)
    router.add_post(f"{prefix}/files", files.upload)
    router.add_get(f"{prefix}/files", files.list_files)
    router.add_get(f"{prefix}/files/{{file_id}}", files.get_file)
    router.add_delete(f"{prefix}/files/{{file_id}}", files.delete_file)
    router.add_get(f"{prefix}/files/{{file_id}}/content", files.get_content)
    router.add_post(f"{prefix}/batches", batches.create_batch)
    router.add_get(f"{prefix}/batches", batches.list_batches)
    router.add_get(f"{prefix}/batches/{{batch_id}}", batches.get_batch)
    router.add_post(f"{prefix}/batches/{{batch_id}}/cancel", batches.cancel_batch)


OPENAI_WIRES = (
    Wire("openai", "/v1", _add_all, lines=OpenAILines()),
    Wire("openai", "/openai/v1", _add_all, lines=OpenAILines()),
    # The path of its real address, and a short one.
    Wire("groq", "/groq/openai/v1", _add_all, lines=OpenAILines()),
    Wire("groq", "/groq/v1", _add_all, lines=OpenAILines()),
    *(Wire(provider, f"/{provider}/v1", add_direct) for provider in _COPIES),
)
