"""Gemini's wire: models, files and batches, in ``v1`` and ``v1beta``."""

from aiohttp import web

from simulator import gemini_batches, gemini_direct, gemini_files
from simulator.gemini_lines import GeminiLines
from simulator.gemini_replies import error_body
from simulator.wires import Wire

_VERSION = "{version:v1|v1beta}"


def _add_routes(router: web.UrlDispatcher, prefix: str) -> None:
    base = f"{prefix}/{_VERSION}"
    batch = f"{base}/batches/{{batch_id:[^:/]+}}"
    file = f"{base}/files/{{name:[^:/]+}}"
    router.add_post(f"{base}/models/{{call:.+}}", gemini_direct.model_call)
    router.add_get(f"{base}/batches", gemini_batches.listed)
    router.add_get(batch, gemini_batches.get)
    router.add_delete(batch, gemini_batches.delete)
    router.add_post(f"{batch}:cancel", gemini_batches.cancel)
    router.add_get(file, gemini_files.get)
    router.add_get(f"{file}:download", gemini_files.download)
    router.add_get(
        f"{prefix}/download/{_VERSION}/files/{{name:[^:/]+}}:download",
        gemini_files.download,
    )
    router.add_post(f"{prefix}/upload/{_VERSION}/files", gemini_files.start)
    router.add_post(gemini_files.SESSION_PATH, gemini_files.finish)


def _key_of(request: web.Request) -> str:
    """Return the key; an upload's session has it in its address."""
    return request.headers.get("x-goog-api-key") or request.query.get("key", "")


GEMINI_WIRE = Wire(
    "gemini",
    "/gemini",
    _add_routes,
    error_body=error_body,
    key_of=_key_of,
    lines=GeminiLines(),
)
