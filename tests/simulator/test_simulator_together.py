"""The official Together SDK, strict and unchanged, against the simulator."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import together
from together import Together
from together.types import BatchJob

from tests.support.simulator import SimulatorProcess

CHAT: Final = "/v1/chat/completions"
MODEL = "Qwen/Qwen3.8-Flash"


@pytest.fixture
def client(simulator: SimulatorProcess) -> Iterator[Together]:
    with Together(
        base_url=f"{simulator.url}/together",
        api_key="key",
        max_retries=0,
        timeout=60,
        _strict_response_validation=True,
    ) as opened:
        yield opened


def uploaded(client: Together, folder: Path, *texts: str) -> str:
    path = folder / "in.jsonl"
    lines = []
    for place, text in enumerate(texts):
        body = {"model": MODEL, "messages": [{"role": "user", "content": text}]}
        lines.append(json.dumps({"custom_id": f"c-{place}", "body": body}))
    path.write_text("\n".join(lines) + "\n")
    file = client.files.upload(file=path, purpose="batch-api", check=False)
    assert file.filename == "in.jsonl"
    return file.id


def ended(client: Together, job_id: str | None) -> BatchJob:
    assert job_id is not None
    deadline = time.monotonic() + 120
    job = client.batches.retrieve(job_id)
    while job.status in ("VALIDATING", "IN_PROGRESS"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
        job = client.batches.retrieve(job_id)
    return job


def rows(client: Together, file_id: str | None) -> list[dict[str, object]]:
    assert file_id is not None
    text = client.files.content(file_id).read().decode()
    return [json.loads(line) for line in text.splitlines()]


def test_a_chat_completion_ends_with_eos(client: Together) -> None:
    answer = client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "hello"}]
    )

    assert answer.choices[0].finish_reason == "eos"


def test_a_batch_runs_from_a_redirected_upload(
    client: Together, tmp_path: Path
) -> None:
    file_id = uploaded(client, tmp_path, "One.", "Two. [[sim:400]]")
    made = client.batches.create(endpoint=CHAT, input_file_id=file_id)
    assert made.job is not None
    job = ended(client, made.job.id)

    assert (job.status, job.progress, job.x_model_id) == ("COMPLETED", 100.0, MODEL)
    (good,) = rows(client, job.output_file_id)
    (bad,) = rows(client, job.error_file_id)
    assert good["custom_id"] == "c-0"
    assert set(good) == {"custom_id", "response"}
    assert bad == {
        "custom_id": "c-1",
        "error": {"message": "Invalid value in your request.", "code": "invalid_value"},
    }
    assert job.id in [listed.id for listed in client.batches.list()]


def test_a_batch_is_cancelled(
    client: Together, simulator: SimulatorProcess, tmp_path: Path
) -> None:
    simulator.post_fault({"match": {"path": "batch"}, "fault": {"kind": "stuck"}})
    file_id = uploaded(client, tmp_path, "To be stopped.")
    made = client.batches.create(endpoint=CHAT, input_file_id=file_id)
    assert made.job is not None
    assert made.job.id is not None
    client.batches.cancel(made.job.id)
    simulator.clear_faults()

    assert ended(client, made.job.id).status == "CANCELLED"


def test_a_refused_batch_call_has_a_text_for_an_error(client: Together) -> None:
    with pytest.raises(together.BadRequestError) as refusal:
        client.batches.create(endpoint=CHAT, input_file_id="file-none")

    assert refusal.value.body == {"error": "No such File object: file-none"}
