"""Every scripted fault once: call faults by marker and by rule."""

import json
import socket
import time
from collections.abc import Callable
from typing import Any

import httpx2 as httpx
import openai
import pytest
from openai import OpenAI

from tests.simulator.conftest import Json, strict_client
from tests.support.simulator import SimulatorProcess

Ask = Callable[..., httpx.Response]


@pytest.fixture
def ask(simulator: SimulatorProcess) -> Ask:
    def send(said: str, timeout: float = 60, **body: Any) -> httpx.Response:
        sent = {"model": "gpt-5.4", "input": said, **body}
        return httpx.post(simulator.url + "/v1/responses", json=sent, timeout=timeout)

    return send


def text_of(answer: httpx.Response) -> str:
    [message] = answer.json()["output"]
    return str(message["content"][0]["text"])


def test_two_tries_are_rate_limited_and_the_third_succeeds(ask: Ask) -> None:
    answers = [ask("[[sim:429:2]] hello") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["retry-after"] == "1"
    assert answers[0].json()["error"]["code"] == "rate_limit_exceeded"


def test_tries_are_counted_across_providers(
    simulator: SimulatorProcess, ask: Ask
) -> None:
    first = ask("[[sim:500:1]] hello")
    message = {"role": "user", "content": "[[sim:500:1]] hello"}
    second = httpx.post(
        simulator.url + "/groq/v1/chat/completions",
        json={"model": "m", "messages": [message]},
    )

    assert (first.status_code, second.status_code) == (500, 200)


def test_a_marker_for_one_provider_spares_the_others(
    simulator: SimulatorProcess, ask: Ask
) -> None:
    message = {"role": "user", "content": "[[sim:500@groq]] hello"}
    at_groq = httpx.post(
        simulator.url + "/groq/v1/chat/completions",
        json={"model": "m", "messages": [message]},
    )

    assert at_groq.status_code == 500
    assert ask("[[sim:500@groq]] hello").status_code == 200


def test_a_rate_limit_may_come_without_retry_after(ask: Ask) -> None:
    answer = ask("[[sim:429-noretry]] hello")

    assert answer.status_code == 429
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("400", 400, "invalid_value"),
        ("401", 401, "invalid_api_key"),
        ("500", 500, None),
        ("503", 503, None),
        ("529", 529, None),
        ("insufficient_quota", 429, "insufficient_quota"),
    ],
)
def test_a_status_fault_answers_in_the_error_shape(
    simulator: SimulatorProcess, ask: Ask, kind: str, status: int, code: str | None
) -> None:
    answer = ask(f"[[sim:{kind}]] hello", metadata={"ref": "r"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert simulator.accepted() == {}
    assert simulator.stats()["refused"] == {str(status): 1}


def test_a_reset_before_acceptance_is_not_billed(
    simulator: SimulatorProcess, ask: Ask
) -> None:
    with pytest.raises(httpx.TransportError):
        ask("[[sim:reset-before]] hello", metadata={"ref": "r"})

    assert simulator.accepted() == {}


def test_a_reset_after_acceptance_is_billed(
    simulator: SimulatorProcess, ask: Ask
) -> None:
    with pytest.raises(httpx.TransportError):
        ask("[[sim:reset-after:1]] hello", metadata={"ref": "r"})
    ask("[[sim:reset-after:1]] hello", metadata={"ref": "r"})

    assert simulator.accepted() == {"r": 2}


def test_a_drip_sends_byte_by_byte(simulator: SimulatorProcess) -> None:
    body = b'{"model":"m","input":"[[sim:drip:200]] hello"}'
    head = (
        f"POST /v1/responses HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    host, port = simulator.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as wire:
        wire.sendall(head.encode() + body)
        received = wire.recv(65536)
        while b"\r\n\r\n" not in received:
            received += wire.recv(65536)
        sent_first = received.partition(b"\r\n\r\n")[2]
        received = wire.recv(65536)

    # A slow reader finds what it missed in one piece, but never hundreds of bytes.
    assert len(sent_first) + len(received) < 40


def test_latency_is_added(ask: Ask) -> None:
    began = time.monotonic()
    ask("[[sim:latency:300]] hello")

    assert time.monotonic() - began >= 0.3


def test_a_hang_never_answers(ask: Ask) -> None:
    with pytest.raises(httpx.ReadTimeout):
        ask("[[sim:hang]] hello", timeout=0.3)


def test_garbage_is_no_json(ask: Ask) -> None:
    answer = ask("[[sim:garbage]] hello")

    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_an_empty_answer_has_no_text(ask: Ask) -> None:
    assert text_of(ask("[[sim:empty]] hello")) == ""


def test_a_refusal_is_a_refusal_part(ask: Ask) -> None:
    [message] = ask("[[sim:refusal]] hello").json()["output"]

    assert message["content"][0]["type"] == "refusal"


def test_a_filtered_answer_is_incomplete(ask: Ask) -> None:
    answer = ask("[[sim:filter]] hello").json()

    assert answer["status"] == "incomplete"
    assert answer["incomplete_details"] == {"reason": "content_filter"}


def test_badjson_ignores_the_schema(ask: Ask) -> None:
    wanted = {"type": "json_schema", "name": "x", "schema": {"type": "object"}}
    answer = ask("[[sim:badjson]] hello", text={"format": wanted})

    with pytest.raises(json.JSONDecodeError):
        json.loads(text_of(answer))


def test_nul_holds_a_nul_and_a_lone_surrogate(ask: Ask) -> None:
    answer = ask("[[sim:nul]] hello")

    assert b"\\u0000" in answer.content
    assert b"\\ud800" in answer.content


def test_a_big_answer_has_the_bytes_asked_for(ask: Ask) -> None:
    answer = ask("[[sim:big:300000]] hello")

    assert len(answer.content) > 300_000


def test_the_model_may_be_another(ask: Ask) -> None:
    assert ask("[[sim:wrongmodel]] hello").json()["model"] == "unexpected-model-0000"


def test_usage_may_be_garbage(ask: Ask) -> None:
    usage = ask("[[sim:usage:garbage]] hello").json()["usage"]

    assert (usage["input_tokens"], usage["output_tokens"]) == ("many", -5)


def test_usage_may_be_huge(ask: Ask) -> None:
    assert ask("[[sim:usage:huge]] hello").json()["usage"]["input_tokens"] == 10**12


def test_usage_may_be_absent(ask: Ask) -> None:
    assert "usage" not in ask("[[sim:usage:none]] hello").json()


def test_cached_tokens_are_reported(ask: Ask) -> None:
    usage = ask("[[sim:cached:2]] hello there").json()["usage"]

    assert usage["input_tokens_details"]["cached_tokens"] == 2


def test_a_rule_strikes_as_often_as_told(simulator: SimulatorProcess, ask: Ask) -> None:
    simulator.post_fault(
        {"match": {}, "fault": {"kind": "503"}, "times": 2, "after": 1}
    )

    codes = [ask("hello").status_code for _ in range(4)]

    assert codes == [200, 503, 503, 200]


def test_a_rule_may_strike_every_third_call(
    simulator: SimulatorProcess, ask: Ask
) -> None:
    simulator.post_fault({"match": {}, "fault": {"kind": "500"}, "every": 3})

    codes = [ask("hello").status_code for _ in range(6)]

    assert codes == [200, 200, 500, 200, 200, 500]


@pytest.mark.parametrize(
    ("match", "status"),
    [
        ({"provider": "openai"}, 500),
        ({"provider": "groq"}, 200),
        ({"model": "gpt-5.4"}, 500),
        ({"model": "gpt-5.5"}, 200),
        ({"path": "responses"}, 500),
        ({"path": ["chat", "embeddings"]}, 200),
        ({"contains": "hello"}, 500),
        ({"contains": "absent"}, 200),
    ],
)
def test_a_rule_strikes_what_it_matches(
    simulator: SimulatorProcess, ask: Ask, match: Json, status: int
) -> None:
    simulator.post_fault({"match": match, "fault": {"kind": "500"}})

    assert ask("hello").status_code == status


def test_a_rule_names_its_own_retry_after(
    simulator: SimulatorProcess, ask: Ask
) -> None:
    simulator.post_fault({"match": {}, "fault": {"kind": "429", "retry_after": 7}})

    assert ask("hello").headers["retry-after"] == "7"


def test_cleared_rules_no_longer_strike(simulator: SimulatorProcess, ask: Ask) -> None:
    simulator.post_fault({"match": {}, "fault": {"kind": "500"}})
    simulator.clear_faults()

    assert ask("hello").status_code == 200


def test_a_rule_with_an_unknown_kind_is_refused(simulator: SimulatorProcess) -> None:
    with pytest.raises(RuntimeError, match="Unknown fault kind"):
        simulator.post_fault({"match": {}, "fault": {"kind": "meteor"}})


def test_a_rate_limit_setting_refuses_the_excess(
    simulator: SimulatorProcess, ask: Ask
) -> None:
    simulator.settings(rate_limit_rps=1)

    codes = [ask("hello").status_code for _ in range(3)]

    assert codes == [200, 429, 429]


def test_an_upload_can_fail(simulator: SimulatorProcess, client: OpenAI) -> None:
    simulator.post_fault({"match": {"path": "files"}, "fault": {"kind": "500"}})

    with pytest.raises(openai.InternalServerError):
        client.files.create(file=("in.jsonl", b"{}\n"), purpose="batch")


def test_a_download_can_be_cut_off(simulator: SimulatorProcess, client: OpenAI) -> None:
    data = b"x" * 100_000
    file = client.files.create(file=("in.jsonl", data), purpose="batch")
    simulator.post_fault(
        {
            "match": {"path": "file_content"},
            "fault": {"kind": "reset-after"},
            "times": 1,
        }
    )

    with pytest.raises((openai.APIConnectionError, httpx.TransportError)):
        client.files.content(file.id)
    assert client.files.content(file.id).content == data


def test_the_client_reference_may_be_user_or_header(
    simulator: SimulatorProcess, ask: Ask
) -> None:
    ask("hello", user="by-user")
    with strict_client(simulator.url + "/v1") as client:
        client.embeddings.create(
            model="text-embedding-3-small",
            input="x",
            encoding_format="float",
            extra_headers={"X-Client-Ref": "by-header"},
        )

    assert simulator.accepted("by-") == {"by-user": 1, "by-header": 1}


def test_the_most_calls_in_flight_are_remembered(simulator: SimulatorProcess) -> None:
    body = b'{"model":"m","input":"[[sim:latency:200]] hello"}'
    head = (
        f"POST /v1/responses HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    host, port = simulator.url.removeprefix("http://").split(":")
    wires = [socket.create_connection((host, int(port)), timeout=60) for _ in range(3)]
    for wire in wires:
        wire.sendall(head.encode() + body)
    for wire in wires:
        wire.recv(100)
        wire.close()

    assert simulator.stats()["max_inflight"] == 3
