"""The official OpenRouter SDK, unchanged, against the simulator.

It has no switch for strictness: its models refuse missing fields and wrong types.
"""

import time
from collections.abc import Iterator
from typing import Any, Final

import pytest
from openrouter import OpenRouter
from openrouter.components import BatchObject, ChatUserMessage
from openrouter.errors import OpenRouterError
from openrouter.utils import RetryConfig

from tests.support.simulator import SimulatorProcess

CHAT: Final = "/v1/chat/completions"
MODEL = "vendor/model"


@pytest.fixture
def client(simulator: SimulatorProcess) -> Iterator[OpenRouter]:
    with OpenRouter(
        api_key="key",
        server_url=f"{simulator.url}/openrouter/api/v1",
        retry_config=RetryConfig("none", None, False),  # type: ignore[arg-type] # no backoff
    ) as opened:
        yield opened


def request(custom_id: str, text: str) -> Any:
    body = {"messages": [{"role": "user", "content": text}], "max_tokens": 50}
    return {"custom_id": custom_id, "body": body}


def made(client: OpenRouter, *requests: Any) -> BatchObject:
    return client.batch.create_batches(
        endpoint=CHAT,
        model=MODEL,
        requests=requests,
        provider={"only": ["openai"], "allow_fallbacks": False},
    )


def ended(client: OpenRouter, batch_id: str) -> BatchObject:
    deadline = time.monotonic() + 120
    while (batch := client.batch.get_batches(id=batch_id)).status not in (
        "completed",
        "expired",
    ):
        assert time.monotonic() < deadline, batch.status
        time.sleep(0.05)
    return batch


def test_a_chat_completion_tells_its_cost(client: OpenRouter) -> None:
    answer = client.chat.send(
        model=MODEL,
        messages=[ChatUserMessage(role="user", content="hello")],
        provider={"data_collection": "deny", "zdr": True, "require_parameters": True},
    )

    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.cost


def test_a_batch_is_sent_and_answered_inline(client: OpenRouter) -> None:
    batch = made(client, request("a", "One."), request("b", "Two. [[sim:429]]"))
    assert (batch.status, batch.results) == ("validating", None)

    batch = ended(client, batch.id)
    assert (batch.request_counts.completed, batch.request_counts.failed) == (1, 1)
    assert batch.results is not None
    found = {row.custom_id: row for row in batch.results}
    response, error = found["a"].response, found["b"].error
    assert response is not None
    assert response.status_code == 200
    assert error is not None
    assert error.error_type == "rate_limit_exceeded"


def test_the_list_shows_no_results(client: OpenRouter) -> None:
    batch = ended(client, made(client, request("a", "One.")).id)

    listed = client.batch.list(limit=1)
    assert listed is not None
    (newest,) = listed.result.data
    assert (newest.id, newest.results) == (batch.id, None)


def test_an_ended_batch_is_deleted(client: OpenRouter) -> None:
    batch = ended(client, made(client, request("a", "One.")).id)

    assert client.batch.delete(id=batch.id).deletion.openrouter == "deleted"
    with pytest.raises(OpenRouterError):
        client.batch.get_batches(id=batch.id)


def test_another_endpoint_is_refused(
    client: OpenRouter, simulator: SimulatorProcess
) -> None:
    before = simulator.stats()["batches_created"]
    with pytest.raises(OpenRouterError):
        client.batch.create_batches(
            endpoint="/v1/messages", model=MODEL, requests=[request("a", "One.")]
        )

    assert simulator.stats()["batches_created"] == before
