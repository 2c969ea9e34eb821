"""Fireworks' wire: direct calls as OpenAI's; datasets and jobs below an account."""

from aiohttp import web

from simulator import files, fireworks_datasets, fireworks_jobs
from simulator.fireworks_jobs import AccountRefusal, FireworksLines
from simulator.openai_wire import add_direct
from simulator.refusals import refusing_as
from simulator.wires import Wire


def _add_routes(router: web.UrlDispatcher, prefix: str) -> None:
    # The path of its real address, and a short one.
    add_direct(router, f"{prefix}/inference/v1")
    add_direct(router, f"{prefix}/v1")
    router.add_get(f"{prefix}/_signed/{{file_id}}", files.get_content)
    account = f"{prefix}/v1/accounts/{{account}}"
    dataset = f"{account}/datasets/{{dataset_id:[^:/]+}}"
    jobs = f"{account}/batchInferenceJobs"
    job = f"{jobs}/{{job_id:[^:/]+}}"
    for method, path, handler in (
        ("POST", f"{account}/datasets", fireworks_datasets.create),
        ("GET", dataset, fireworks_datasets.get),
        ("POST", f"{dataset}:upload", fireworks_datasets.upload),
        (
            "GET",
            f"{dataset}:getDownloadEndpoint",
            fireworks_datasets.download_endpoint,
        ),
        ("POST", jobs, fireworks_jobs.create),
        ("GET", jobs, fireworks_jobs.listed),
        ("GET", job, fireworks_jobs.get),
        ("DELETE", job, fireworks_jobs.delete),
    ):
        router.add_route(method, path, refusing_as(AccountRefusal, handler))


FIREWORKS_WIRE = Wire(
    "fireworks",
    "/fireworks",
    _add_routes,
    key_of=fireworks_datasets.key_of,
    lines=FireworksLines(),
)
