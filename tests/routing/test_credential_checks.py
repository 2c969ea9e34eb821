"""The call that tells whether a key is good, against servers that answer anything."""

from collections.abc import Iterator

import pytest

from batchrouter.kit.outbound import ControlClient
from routing.connections import PLACES
from routing.contracts import Connection
from routing.credential_checks import CheckOutcome, Verdict, ask
from tests.routing.wire_server import Received, Wire, WireServer
from tests.support.simulator import SimulatorProcess

KEY = "sk-canary-0123456789"
# Where it is another than /models.
PATHS = {
    "anthropic": "/v1/models?limit=1",
    "gemini": "/v1/models?pageSize=1",
    "openrouter": "/key",
}
KEY_HEADERS = {"gemini": ("x-goog-api-key", KEY)}
BEARER = ("authorization", f"Bearer {KEY}")


@pytest.fixture
def server() -> Iterator[WireServer]:
    with WireServer() as started:
        yield started


@pytest.fixture
def client() -> Iterator[ControlClient]:
    opened = ControlClient(connect_seconds=2)
    yield opened
    opened.close()


def connection(provider: str, base_url: str, key: str = KEY) -> Connection:
    return Connection(provider, base_url, key, is_sandbox=False)


def answer(server: WireServer, path: str, status: str, body: bytes = b"{}") -> None:
    async def behave(_received: Received, wire: Wire) -> None:
        await wire.reply(body, status)

    server.on(path, behave)


@pytest.mark.parametrize("provider", [*PLACES, "compatible"])
def test_a_key_is_tried_by_one_get_where_the_provider_looks_for_it(
    server: WireServer, client: ControlClient, provider: str
) -> None:
    path = PATHS.get(provider, "/models")
    answer(server, path, "200 OK", b'{"data": []}')

    found = ask(connection(provider, server.url), client)
    assert str(found) == "accepted 200"
    (received,) = server.received
    assert (received.method, received.path, received.body) == ("GET", path, b"")
    name, value = KEY_HEADERS.get(provider, BEARER)
    assert received.headers[name] == value


def test_anthropics_older_version_has_its_own_header(
    server: WireServer, client: ControlClient
) -> None:
    answer(server, PATHS["anthropic"], "200 OK")
    older = Connection(
        "anthropic",
        server.url,
        KEY,
        is_sandbox=False,
        options={"api_version": "2023-06-01"},
    )

    ask(older, client)
    (received,) = server.received
    assert received.headers["x-api-key"] == KEY
    assert received.headers["anthropic-version"] == "2023-06-01"


@pytest.mark.parametrize(
    ("provider", "status", "said"),
    [
        ("openai", "401 Unauthorized", "refused 401"),
        ("openai", "403 Forbidden", "refused 403"),
        ("openai", "400 Bad Request", "unclear 400"),
        ("gemini", "400 Bad Request", "refused 400"),
        ("openai", "302 Found", "unclear 302"),
        ("openai", "404 Not Found", "unclear 404"),
        ("openai", "429 Too Many Requests", "unclear 429"),
        ("openai", "503 Service Unavailable", "unclear 503"),
    ],
)
def test_a_status_says_whether_the_key_is_taken(
    server: WireServer, client: ControlClient, provider: str, status: str, said: str
) -> None:
    answer(
        server, PATHS.get(provider, "/models"), status, f'{{"error": "{KEY}"}}'.encode()
    )

    found = ask(connection(provider, server.url), client)
    assert str(found) == said
    assert "canary" not in repr(found)


@pytest.mark.parametrize("body", [b"<html>Log in</html>", b"", b'"ok"'])
def test_a_page_that_is_no_api_proves_nothing(
    server: WireServer, client: ControlClient, body: bytes
) -> None:
    answer(server, "/models", "200 OK", body)

    found = ask(connection("openai", server.url), client)
    assert found == CheckOutcome(Verdict.UNCLEAR, 200)


def test_a_broken_answer_counts_as_none(
    server: WireServer, client: ControlClient
) -> None:
    async def reset(_received: Received, wire: Wire) -> None:
        wire.reset()

    server.on("/models", reset)

    found = ask(connection("openai", server.url), client)
    assert found == CheckOutcome(Verdict.UNREACHABLE)


def test_nobody_there_is_no_answer(client: ControlClient) -> None:
    found = ask(connection("openai", "http://127.0.0.1:9"), client)
    assert str(found) == "unreachable"


@pytest.mark.parametrize(
    "provider", ["openai", "mistral", "groq", "together", "fireworks", "deepseek"]
)
def test_the_simulators_providers_know_a_right_key_from_a_wrong_one(
    keyed_simulator: SimulatorProcess, client: ControlClient, provider: str
) -> None:
    base_url = keyed_simulator.url + PLACES[provider].sandbox_path

    assert ask(connection(provider, base_url), client).verdict is Verdict.ACCEPTED
    wrong = ask(connection(provider, base_url, "sk-wrong"), client)
    assert str(wrong) == "refused 401"


@pytest.fixture(scope="module")
def keyed_simulator() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(api_key=KEY) as started:
        yield started
