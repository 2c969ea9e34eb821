"""The official Fireworks SDK, strict and unchanged, against the simulator.

It has no argument for the name of a job's query parameter other than its own, and no
verb that stops a job but the one that deletes it.
"""

import json
import time
from collections.abc import Iterator
from urllib.request import urlopen

import fireworks
import pytest
from fireworks import Fireworks

from tests.support.simulator import SimulatorProcess

MODEL = "accounts/fireworks/models/gpt-oss-20b"
_COUNT = iter(range(1, 1_000))


@pytest.fixture
def client(simulator: SimulatorProcess) -> Iterator[Fireworks]:
    with Fireworks(
        base_url=f"{simulator.url}/fireworks",
        api_key="key",
        account_id=f"acct-{next(_COUNT)}",
        max_retries=0,
        timeout=60,
        _strict_response_validation=True,
    ) as opened:
        yield opened


def dataset(client: Fireworks, *texts: str) -> str:
    made = client.datasets.create(
        dataset_id="d1",
        dataset={
            "example_count": str(len(texts)),
            "format": "CHAT",
            "user_uploaded": {},
        },
    )
    assert made.state == "UPLOADING"
    lines = []
    for place, text in enumerate(texts):
        body = {"messages": [{"role": "user", "content": text}], "max_tokens": 50}
        lines.append(json.dumps({"custom_id": f"c-{place}", "body": body}) + "\n")
    client.datasets.upload("d1", file=("in.jsonl", "".join(lines).encode()))
    assert client.datasets.get("d1").state == "READY"
    assert made.name is not None
    return made.name


def start(client: Fireworks, job_id: str, *texts: str) -> str:
    job = client.batch_inference_jobs.create(
        batch_inference_job_id=job_id,
        model=MODEL,
        input_dataset_id=dataset(client, *texts),
        output_dataset_id="d2",
        inference_parameters={"max_tokens": 16},
    )
    assert job.name is not None
    assert job.name.endswith(job_id)
    return job_id


def rows(client: Fireworks) -> list[dict[str, object]]:
    found = client.datasets.get_download_endpoint("d2").filename_to_signed_urls
    assert found is not None
    texts = []
    for url in found.values():
        with urlopen(url) as reply:
            texts += reply.read().decode().splitlines()
    return [json.loads(text) for text in texts]


def test_a_chat_completion_is_answered(client: Fireworks) -> None:
    answer = client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "hello"}]
    )

    assert answer.choices[0].finish_reason == "stop"


def test_a_job_runs_from_dataset_to_dataset(client: Fireworks) -> None:
    job_id = start(client, "job-runs", "One.", "Two. [[sim:400]]")
    job = client.batch_inference_jobs.get(job_id)
    deadline = time.monotonic() + 120
    while job.state != "JOB_STATE_COMPLETED":
        assert time.monotonic() < deadline, job.state
        time.sleep(0.05)
        job = client.batch_inference_jobs.get(job_id)

    progress = job.job_progress
    assert progress is not None
    assert (progress.successfully_processed_requests, progress.failed_requests) == (
        1,
        1,
    )
    good, bad = sorted(rows(client), key=lambda row: str(row["custom_id"]))
    assert good.keys() == {"custom_id", "response"}
    assert bad["error"] == {"code": 400, "message": "Invalid value in your request."}
    assert [one.name for one in client.batch_inference_jobs.list()] == [job.name]


def test_a_name_is_given_once(client: Fireworks) -> None:
    start(client, "job-once", "One.")
    with pytest.raises(fireworks.ConflictError):
        client.batch_inference_jobs.create(
            batch_inference_job_id="job-once",
            model=MODEL,
            input_dataset_id=f"accounts/{client.account_id}/datasets/d1",
        )


def test_a_deleted_job_is_gone(client: Fireworks, simulator: SimulatorProcess) -> None:
    simulator.post_fault({"match": {"path": "batch"}, "fault": {"kind": "stuck"}})
    job_id = start(client, "job-deleted", "One.")
    client.batch_inference_jobs.delete(job_id)

    with pytest.raises(fireworks.NotFoundError):
        client.batch_inference_jobs.get(job_id)
