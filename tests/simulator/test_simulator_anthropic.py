"""The official Anthropic SDK, strict and unchanged, against the simulator."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic
from anthropic.types import Message
from anthropic.types.messages import MessageBatch, MessageBatchIndividualResponse

from tests.support.simulator import SimulatorProcess

Json = dict[str, Any]
Ask = Callable[..., Message]

MODEL = "claude-haiku-4-5"
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


@pytest.fixture
def client(simulator: SimulatorProcess) -> Iterator[Anthropic]:
    with Anthropic(
        base_url=f"{simulator.url}/anthropic",
        api_key="key",
        max_retries=0,
        timeout=60,
        _strict_response_validation=True,
    ) as opened:
        yield opened


@pytest.fixture
def ask(client: Anthropic) -> Ask:
    def call(text: str, **options: Any) -> Message:
        settings: Json = {"model": MODEL, "max_tokens": 100, **options}
        settings.setdefault("messages", [{"role": "user", "content": text}])
        found = client.messages.create(**settings)
        assert isinstance(found, Message)
        return found

    return call


def texts_of(message: Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def request(custom_id: str, text: str, **params: Any) -> Any:
    messages = [{"role": "user", "content": text}]
    params = {"model": MODEL, "max_tokens": 50, "messages": messages, **params}
    return {"custom_id": custom_id, "params": params}


def finished(client: Anthropic, batch: MessageBatch) -> MessageBatch:
    total = sum(batch.request_counts.model_dump().values())
    deadline = time.monotonic() + 120
    while batch.processing_status != "ended":
        assert time.monotonic() < deadline
        assert batch.request_counts.processing == total
        assert batch.results_url is None
        time.sleep(0.05)
        batch = client.messages.batches.retrieve(batch.id)
    return batch


def run(
    client: Anthropic, *requests: Any
) -> tuple[MessageBatch, list[MessageBatchIndividualResponse]]:
    created = client.messages.batches.create(requests=list(requests))
    batch = finished(client, created)
    return batch, list(client.messages.batches.results(batch.id))


def kinds(rows: list[MessageBatchIndividualResponse]) -> Counter[str]:
    return Counter(row.result.type for row in rows)


def test_a_message_is_answered(simulator: SimulatorProcess, ask: Ask) -> None:
    message = ask("Hello there.", metadata={"user_id": "r"})

    assert texts_of(message)
    assert (message.stop_reason, message.model) == ("end_turn", MODEL)
    assert message.usage.input_tokens > 0
    assert message.usage.output_tokens > 0
    assert simulator.accepted() == {"r": 1}


def test_tokens_are_counted_without_an_answer(
    simulator: SimulatorProcess, client: Anthropic, ask: Ask
) -> None:
    messages: Any = [{"role": "user", "content": "Hello there."}]
    found = client.messages.count_tokens(model=MODEL, messages=messages)

    assert simulator.stats()["accepted_total"] == 0
    assert found.input_tokens == ask("Hello there.").usage.input_tokens


def test_a_schema_is_followed(ask: Ask) -> None:
    form = {"format": {"type": "json_schema", "schema": SCHEMA}}

    assert texts_of(ask("The city is Bern.", output_config=form)).startswith('{"city"')


def test_a_demanded_tool_is_called(ask: Ask) -> None:
    message = ask(
        "The city is Bern.",
        tools=[{"name": "note", "input_schema": SCHEMA}],
        tool_choice={"type": "tool", "name": "note"},
    )
    (block,) = message.content

    assert message.stop_reason == "tool_use"
    assert block.type == "tool_use"
    assert (block.name, list(block.input)) == ("note", ["city"])


def test_thinking_is_billed_and_stands_first(ask: Ask) -> None:
    message = ask(
        "Think. Then answer.",
        thinking={"type": "adaptive"},
        output_config={"effort": "low"},
    )

    assert message.content[0].type == "thinking"
    assert message.usage.output_tokens_details is not None
    assert message.usage.output_tokens_details.thinking_tokens == 8


def test_an_image_is_seen(ask: Ask) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
    parts = [{"type": "text", "text": "What?"}, {"type": "image", "source": source}]

    found = ask("", messages=[{"role": "user", "content": parts}])
    assert "image shows" in texts_of(found)


def test_a_cut_answer_says_so(ask: Ask) -> None:
    message = ask("Tell me everything about it, please.", max_tokens=2)

    assert (message.stop_reason, message.usage.output_tokens) == ("max_tokens", 2)


def test_cached_tokens_stand_beside_the_input(ask: Ask) -> None:
    plain = ask("A text of some words. [[sim:cached:0]]").usage
    cached = ask("A text of some words. [[sim:cached:3]]").usage

    assert cached.cache_read_input_tokens == 3
    assert cached.input_tokens == plain.input_tokens - 3


def test_a_refusal_says_so(ask: Ask) -> None:
    message = ask("[[sim:refusal]] hi")

    assert message.stop_reason == "refusal"
    assert message.stop_details is not None
    assert message.stop_details.explanation


@pytest.mark.parametrize("name", ["temperature", "top_p", "top_k"])
def test_the_newer_version_refuses_sampling(
    simulator: SimulatorProcess, ask: Ask, name: str
) -> None:
    with pytest.raises(anthropic.BadRequestError):
        ask("hi", extra_body={name: 1})

    assert simulator.stats()["accepted_total"] == 0


def older(url: str, **headers: str) -> Anthropic:
    headers = {"anthropic-version": "2023-06-01", **headers}
    return Anthropic(
        base_url=f"{url}/anthropic",
        api_key="key",
        max_retries=0,
        default_headers=headers,
        _strict_response_validation=True,
    )


def test_the_older_version_takes_sampling_of_the_models_that_have_it(
    simulator: SimulatorProcess,
) -> None:
    messages: Any = [{"role": "user", "content": "hi"}]
    sampling: Json = {"temperature": 0.5}
    with older(simulator.url, **{"x-api-key": "key"}) as client:
        found = client.messages.create(
            model=MODEL, max_tokens=10, messages=messages, extra_body=sampling
        )
        assert found.stop_reason in ("end_turn", "max_tokens")
        with pytest.raises(anthropic.BadRequestError):
            client.messages.create(
                model="claude-haiku-5-5",
                max_tokens=10,
                messages=messages,
                extra_body=sampling,
            )


def test_a_version_that_there_is_not_is_refused(simulator: SimulatorProcess) -> None:
    messages: Any = [{"role": "user", "content": "hi"}]
    with (
        older(simulator.url, **{"anthropic-version": "2024-01-01"}) as client,
        pytest.raises(anthropic.BadRequestError),
    ):
        client.messages.create(model=MODEL, max_tokens=10, messages=messages)


def test_the_key_is_taken_from_either_header() -> None:
    messages: Any = [{"role": "user", "content": "hi"}]
    asked: Json = {"model": MODEL, "max_tokens": 9, "messages": messages}
    with SimulatorProcess(api_key="secret") as process:
        url = f"{process.url}/anthropic"
        with Anthropic(base_url=url, api_key="secret") as bearer:
            assert bearer.messages.create(**asked).id
        # Where both are sent, as here, x-api-key wins.
        with older(process.url, **{"x-api-key": "secret"}) as both:
            assert both.messages.create(**asked).id
        with older(process.url) as wrong, pytest.raises(anthropic.AuthenticationError):
            wrong.messages.create(**asked)


@pytest.mark.parametrize(
    ("kind", "error", "word"),
    [
        ("400", anthropic.BadRequestError, "invalid_request_error"),
        ("401", anthropic.AuthenticationError, "authentication_error"),
        ("403", anthropic.PermissionDeniedError, "permission_error"),
        ("404", anthropic.NotFoundError, "not_found_error"),
        ("413", anthropic.APIStatusError, "request_too_large"),
        ("429", anthropic.RateLimitError, "rate_limit_error"),
        ("500", anthropic.InternalServerError, "api_error"),
        ("529", anthropic.APIStatusError, "overloaded_error"),
    ],
)
def test_a_refusal_has_anthropics_words(
    ask: Ask, kind: str, error: type[anthropic.APIStatusError], word: str
) -> None:
    with pytest.raises(error) as caught:
        ask(f"[[sim:{kind}]] hi")

    body: Any = caught.value.body
    assert caught.value.status_code == int(kind)
    assert (body["type"], body["error"]["type"]) == ("error", word)
    assert body["request_id"] == caught.value.response.headers["request-id"]


def test_a_spend_limit_says_so_and_no_time(ask: Ask) -> None:
    with pytest.raises(anthropic.RateLimitError) as caught:
        ask("[[sim:insufficient_quota]] hi")

    body: Any = caught.value.body
    assert body["error"]["details"] == {"error_code": "enforced_spend_limit_reached"}
    assert "retry-after" not in caught.value.response.headers


def test_a_batch_runs_and_its_results_are_read(
    simulator: SimulatorProcess, client: Anthropic
) -> None:
    batch, rows = run(client, *(request(f"i-{n}", f"Text {n}.") for n in range(20)))

    assert batch.request_counts.model_dump() == {
        "processing": 0,
        "succeeded": 20,
        "errored": 0,
        "canceled": 0,
        "expired": 0,
    }
    assert batch.results_url is not None
    assert batch.results_url.startswith(simulator.url)
    names = [row.custom_id for row in rows]
    assert sorted(names) == sorted(f"i-{n}" for n in range(20))
    assert names != sorted(names, key=lambda name: int(name[2:]))
    assert simulator.accepted("i-") == dict.fromkeys(names, 1)


def test_params_are_checked_after_acceptance(client: Anthropic) -> None:
    odd = request("odd", "hi", temperature=0.5)
    batch, rows = run(client, request("even", "hi"), odd)

    assert (batch.request_counts.succeeded, batch.request_counts.errored) == (1, 1)
    (bad,) = [row.result for row in rows if row.custom_id == "odd"]
    assert bad.type == "errored"
    assert bad.error.type == "error"
    assert bad.error.error.type == "invalid_request_error"


@pytest.mark.parametrize(
    "requests",
    [
        [],
        [request("a b", "hi")],
        [request("a", "hi"), request("a", "there")],
        [request("a", "hi", stream=True)],
    ],
    ids=["none", "id", "twice", "stream"],
)
def test_a_batch_that_cannot_be_taken_is_refused(
    simulator: SimulatorProcess, client: Anthropic, requests: list[Any]
) -> None:
    with pytest.raises(anthropic.BadRequestError):
        client.messages.batches.create(requests=requests)

    assert simulator.stats()["batches_created"] == 0


def test_an_expired_batch_has_some_results(
    simulator: SimulatorProcess, client: Anthropic
) -> None:
    fault = {"kind": "expire", "fraction": 0.25}
    simulator.post_fault({"match": {"provider": "anthropic"}, "fault": fault})
    batch, rows = run(client, *(request(f"i-{n}", "hi") for n in range(8)))

    assert (batch.request_counts.succeeded, batch.request_counts.expired) == (2, 6)
    assert kinds(rows) == {"succeeded": 2, "expired": 6}


def test_a_canceled_batch_keeps_what_is_done(
    simulator: SimulatorProcess, client: Anthropic
) -> None:
    simulator.post_fault({"fault": {"kind": "stuck", "fraction": 0}})
    requests = [request(f"i-{n}", "hi") for n in range(4)]
    batch = client.messages.batches.create(requests=requests)
    canceling = client.messages.batches.cancel(batch.id)
    ended = finished(client, canceling)

    assert canceling.processing_status == "canceling"
    assert ended.cancel_initiated_at is not None
    assert ended.request_counts.canceled == 4
    assert kinds(list(client.messages.batches.results(batch.id))) == {"canceled": 4}
    with pytest.raises(anthropic.BadRequestError):
        client.messages.batches.cancel(batch.id)


def test_batches_are_listed_newest_first_and_deleted(
    simulator: SimulatorProcess, client: Anthropic
) -> None:
    made = [
        client.messages.batches.create(requests=[request("a", "hi")]) for _ in range(3)
    ]
    page = client.messages.batches.list(limit=2)
    rest = client.messages.batches.list(limit=1, after_id=page.data[-1].id)
    for batch in made:
        finished(client, batch)
    gone = client.messages.batches.delete(made[0].id)

    assert [batch.id for batch in page.data] == [made[2].id, made[1].id]
    assert page.has_more
    assert rest.data[0].id == made[0].id
    assert gone.type == "message_batch_deleted"
    with pytest.raises(anthropic.NotFoundError):
        client.messages.batches.retrieve(made[0].id)
    assert simulator.stats()["batches_created_by_provider"] == {"anthropic": 3}


def test_results_wait_for_the_end(
    simulator: SimulatorProcess, client: Anthropic
) -> None:
    simulator.post_fault({"fault": {"kind": "duration", "seconds": 1}})
    batch = client.messages.batches.create(requests=[request("a", "hi")])

    with pytest.raises(anthropic.AnthropicError):
        client.messages.batches.results(batch.id)
    finished(client, batch)
