"""Mistral's wire: chat, embeddings, files and batch jobs."""

from aiohttp import web

from simulator import calls, files, mistral_direct, mistral_jobs
from simulator.mistral_lines import MistralLines
from simulator.mistral_replies import error_body
from simulator.wires import Wire


def _add_routes(router: web.UrlDispatcher, prefix: str) -> None:
    jobs = f"{prefix}/batch/jobs"
    router.add_post(f"{prefix}/chat/completions", mistral_direct.direct("chat"))
    router.add_post(f"{prefix}/embeddings", mistral_direct.direct("embeddings"))
    router.add_get(f"{prefix}/models", calls.list_models)
    router.add_get(f"{prefix}/models/{{model:.+}}", calls.get_model)
    router.add_post(f"{prefix}/files", mistral_direct.upload)
    router.add_get(f"{prefix}/files/{{file_id}}/content", files.get_content)
    router.add_post(jobs, mistral_jobs.create)
    router.add_get(jobs, mistral_jobs.listed)
    router.add_get(f"{jobs}/{{batch_id}}", mistral_jobs.get)
    router.add_post(f"{jobs}/{{batch_id}}/cancel", mistral_jobs.cancel)


MISTRAL_WIRE = Wire(
    "mistral",
    "/mistral/v1",
    _add_routes,
    error_body=error_body,
    id_header="mistral-correlation-id",
    lines=MistralLines(),
)
