"""One simulator for the whole run, clean before every test."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from openai import OpenAI
from openai.types import Batch

from tests.support.simulator import SimulatorProcess

Json = dict[str, Any]
ENDED = {"completed", "failed", "expired", "cancelled"}
RunBatch = Callable[..., Batch]
Rows = list[Json]


@pytest.fixture(scope="session")
def running_simulator() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(batch_seconds=0.15) as process:
        yield process


@pytest.fixture
def simulator(running_simulator: SimulatorProcess) -> SimulatorProcess:
    # A batch left by the test before would still be counted after the reset.
    while any(b["status"] not in ENDED for b in running_simulator.stats()["batches"]):
        time.sleep(0.02)
    running_simulator.reset()
    running_simulator.settings(latency_ms=0, jitter_ms=0, rate_limit_rps=0)
    return running_simulator


@pytest.fixture(scope="session")
def session_client(running_simulator: SimulatorProcess) -> Iterator[OpenAI]:
    with strict_client(running_simulator.url + "/v1") as client:
        yield client


@pytest.fixture
def client(simulator: SimulatorProcess, session_client: OpenAI) -> OpenAI:
    assert simulator.url
    return session_client


@pytest.fixture
def run_batch(client: OpenAI) -> RunBatch:
    def run(items: list[Json] | bytes, **options: Any) -> Batch:
        return finished(client, create_batch(client, items, **options))

    return run


def strict_client(base_url: str) -> OpenAI:
    """Return the official client: strict about replies, never retrying."""
    return OpenAI(
        base_url=base_url,
        api_key="key",
        max_retries=0,
        timeout=10,
        _strict_response_validation=True,
    )


def responses_line(custom_id: str, text: str, **body: Any) -> Json:
    """Return one line for /v1/responses."""
    return {
        "custom_id": custom_id,
        "method": "POST",
        "url": "/v1/responses",
        "body": {"model": "gpt-5.4", "input": text, **body},
    }


def jsonl(items: list[Json]) -> bytes:
    return b"".join(json.dumps(item).encode() + b"\n" for item in items)


def create_batch(
    client: OpenAI, items: list[Json] | bytes, metadata: dict[str, str] | None = None
) -> Batch:
    data = items if isinstance(items, bytes) else jsonl(items)
    file = client.files.create(file=("in.jsonl", data), purpose="batch")
    return client.batches.create(
        input_file_id=file.id,
        endpoint="/v1/responses",
        completion_window="24h",
        metadata=metadata,
    )


def finished(client: OpenAI, batch: Batch, seconds: float = 120) -> Batch:
    """Poll until the batch has ended."""
    deadline = time.monotonic() + seconds
    while batch.status not in ENDED:
        assert time.monotonic() < deadline, f"still {batch.status}"
        time.sleep(0.03)
        batch = client.batches.retrieve(batch.id)
    return batch


def wait_for_status(client: OpenAI, batch_id: str, status: str) -> Batch:
    deadline = time.monotonic() + 120
    while (batch := client.batches.retrieve(batch_id)).status != status:
        assert time.monotonic() < deadline, f"still {batch.status}"
        time.sleep(0.02)
    return batch


def rows_of(client: OpenAI, file_id: str | None) -> Rows:
    """Return the rows of a result file; no file, no rows."""
    if file_id is None:
        return []
    text = client.files.content(file_id).text
    return [json.loads(line) for line in text.splitlines()]
