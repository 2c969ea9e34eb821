"""The official Groq SDK, strict and unchanged, against the simulator."""

import json
import time
from collections.abc import Iterator
from typing import Final

import groq
import pytest
from groq import Groq

from tests.support.simulator import SimulatorProcess

CHAT: Final = "/v1/chat/completions"
MODEL = "openai/gpt-oss-120b"


@pytest.fixture
def client(simulator: SimulatorProcess) -> Iterator[Groq]:
    with Groq(
        base_url=f"{simulator.url}/groq",
        api_key="key",
        max_retries=0,
        timeout=60,
        _strict_response_validation=True,
    ) as opened:
        yield opened


def line(custom_id: str, text: str) -> bytes:
    body = {"model": MODEL, "messages": [{"role": "user", "content": text}]}
    value = {"custom_id": custom_id, "method": "POST", "url": CHAT, "body": body}
    return json.dumps(value).encode() + b"\n"


def uploaded(client: Groq, *lines: bytes) -> str:
    file = client.files.create(file=("in.jsonl", b"".join(lines)), purpose="batch")
    assert file.id is not None
    return file.id


def test_a_chat_completion_tells_its_times(client: Groq) -> None:
    answer = client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "hello"}]
    )

    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_time == 0.005


def test_a_batch_of_seven_days_runs_and_shows_no_usage(client: Groq) -> None:
    made = client.batches.create(
        completion_window="7d",
        endpoint=CHAT,
        input_file_id=uploaded(client, line("a", "One."), line("b", "Two.")),
        metadata={"client_ref": "r"},
    )
    assert made.expires_at == made.created_at + 7 * 86_400
    assert not {"usage", "model"} & made.to_dict().keys()

    batch = client.batches.retrieve(made.id)
    deadline = time.monotonic() + 120
    while batch.status != "completed" and time.monotonic() < deadline:
        time.sleep(0.05)
        batch = client.batches.retrieve(made.id)
    assert batch.output_file_id is not None
    rows = client.files.content(batch.output_file_id).text().splitlines()
    assert sorted(json.loads(row)["custom_id"] for row in rows) == ["a", "b"]
    assert made.id in [listed.id for listed in client.batches.list().data]


@pytest.mark.parametrize("window", ["8d", "1h", "soon"])
def test_another_window_is_refused(client: Groq, window: str) -> None:
    file_id = uploaded(client, line("a", "One."))
    with pytest.raises(groq.BadRequestError):
        client.batches.create(
            completion_window=window, endpoint=CHAT, input_file_id=file_id
        )


def test_only_chat_is_batched(client: Groq) -> None:
    file_id = uploaded(client, line("a", "One."))
    with pytest.raises(groq.BadRequestError):
        client.batches.create(
            completion_window="24h",
            endpoint="/v1/embeddings",  # type: ignore[arg-type] # on purpose
            input_file_id=file_id,
        )
