import asyncio
import socket
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from batchrouter.kit.outbound import (
    ControlClient,
    NotSent,
    OutboundError,
    OutcomeUnknown,
    Reply,
    ReplyTooLarge,
)
from tests.routing.wire_server import Received, Wire, WireServer


@pytest.fixture
def server() -> Iterator[WireServer]:
    with WireServer() as running:
        yield running


@pytest.fixture
def client() -> Iterator[ControlClient]:
    made = ControlClient()
    yield made
    made.close()


async def echo(received: Received, wire: Wire) -> None:
    await wire.reply(received.body)


def get(client: ControlClient, url: str, deadline_seconds: float = 5.0) -> Reply:
    return client.call("GET", url, headers={}, deadline_seconds=deadline_seconds)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def test_a_reply_of_any_status_is_returned(
    server: WireServer, client: ControlClient
) -> None:
    async def limited(_: Received, wire: Wire) -> None:
        await wire.reply(b"slow", "429 Too Many", "Retry-After: 7\r\n")

    reply = get(client, server.on("/x", limited))

    assert (reply.status, reply.body, reply.ok) == (429, b"slow", False)
    assert reply.headers["retry-after"] == "7"


def test_only_our_headers_are_sent(server: WireServer, client: ControlClient) -> None:
    url = server.on("/x", echo)
    client.call("POST", url, headers={"Authorization": "Bearer k"}, body=b"{}")

    assert server.received[0].headers == {
        "host": url.removeprefix("http://").removesuffix("/x"),
        "user-agent": "batchrouter",
        "accept-encoding": "identity",
        "authorization": "Bearer k",
        "content-length": "2",
    }


def test_connections_are_kept(server: WireServer, client: ControlClient) -> None:
    url = server.on("/x", echo)
    for _ in range(3):
        get(client, url)

    assert [received.nth for received in server.received] == [1, 2, 3]


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 5000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5000,
    ],
    ids=["headers", "body of a stated length", "body until the end"],
)
def test_the_deadline_is_total_even_while_bytes_keep_coming(
    server: WireServer, client: ControlClient, data: bytes
) -> None:
    async def drip(_: Received, wire: Wire) -> None:
        await wire.drip(data)

    started = time.monotonic()
    with pytest.raises(OutcomeUnknown, match="deadline"):
        get(client, server.on("/drip", drip), deadline_seconds=0.5)

    assert 0.4 < time.monotonic() - started < 50  # all of it takes 100 seconds


def test_a_call_after_a_missed_deadline_is_well(
    server: WireServer, client: ControlClient
) -> None:
    async def hang(_: Received, wire: Wire) -> None:
        await asyncio.sleep(30)

    with pytest.raises(OutcomeUnknown):
        get(client, server.on("/hang", hang), deadline_seconds=0.2)
    assert get(client, server.on("/x", echo)).status == 200


def test_a_refused_connection_is_not_sent(client: ControlClient) -> None:
    with pytest.raises(NotSent):
        get(client, f"http://127.0.0.1:{free_port()}/")


def test_a_name_that_does_not_resolve_is_not_sent(client: ControlClient) -> None:
    with pytest.raises(NotSent):
        get(client, "http://nowhere.invalid/", deadline_seconds=20)


def test_a_deadline_before_the_connection_stands_is_not_sent(
    client: ControlClient,
) -> None:
    with socket.socket() as listener:
        # Accepts nothing; one connection fills its queue, the next one waits.
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        with socket.create_connection(address), pytest.raises(NotSent):
            get(client, f"http://127.0.0.1:{address[1]}/", deadline_seconds=0.3)


def test_a_reset_after_the_request_is_an_unknown_outcome(
    server: WireServer, client: ControlClient
) -> None:
    async def reset(_: Received, wire: Wire) -> None:
        wire.reset()

    url = server.on("/reset", reset)
    with pytest.raises(OutcomeUnknown):
        client.call("POST", url, headers={}, body=b"{}")
    assert server.seen["/reset"] == 1


def test_a_body_that_stops_short_is_an_unknown_outcome(
    server: WireServer, client: ControlClient
) -> None:
    async def short(_: Received, wire: Wire) -> None:
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}")
        wire.close()

    with pytest.raises(OutcomeUnknown):
        get(client, server.on("/short", short))


def test_a_reply_that_is_not_http_is_an_unknown_outcome(
    server: WireServer, client: ControlClient
) -> None:
    async def noise(_: Received, wire: Wire) -> None:
        await wire.send(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
        wire.close()

    with pytest.raises(OutcomeUnknown):
        get(client, server.on("/noise", noise))


def test_a_long_reply_is_refused(server: WireServer, client: ControlClient) -> None:
    async def big(_: Received, wire: Wire) -> None:
        await wire.reply(b"x" * 2000)

    with pytest.raises(ReplyTooLarge):
        client.call("GET", server.on("/big", big), headers={}, reply_bytes_max=1999)


def test_a_redirect_is_handed_back_unfollowed(
    server: WireServer, client: ControlClient
) -> None:
    async def moved(_: Received, wire: Wire) -> None:
        await wire.reply(b"", "307 Moved", f"Location: {server.url}/x\r\n")

    server.on("/x", echo)
    reply = get(client, server.on("/moved", moved))

    assert (reply.status, reply.ok, server.seen["/x"]) == (307, False, 0)


def test_cookies_are_not_kept(server: WireServer, client: ControlClient) -> None:
    async def biscuit(_: Received, wire: Wire) -> None:
        await wire.reply(extra="Set-Cookie: a=b; Path=/\r\n")

    url = server.on("/x", biscuit)
    get(client, url)
    get(client, url)

    assert "cookie" not in server.received[1].headers


def test_a_compressed_reply_is_refused(
    server: WireServer, client: ControlClient
) -> None:
    async def zipped(_: Received, wire: Wire) -> None:
        await wire.reply(b"\x1f\x8b", extra="Content-Encoding: gzip\r\n")

    with pytest.raises(OutcomeUnknown, match="compressed"):
        get(client, server.on("/x", zipped))


def test_the_proxies_of_the_environment_are_not_used(
    server: WireServer, client: ControlClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{free_port()}")

    assert get(client, server.on("/x", echo)).status == 200


def test_an_upload_is_a_form_whose_file_comes_last(
    server: WireServer, client: ControlClient, tmp_path: Path
) -> None:
    file = tmp_path / "in.jsonl"
    file.write_bytes(b'{"a":1}\n')
    client.upload(
        server.on("/files", echo),
        file,
        headers={},
        fields={"purpose": "batch"},
        filename="in.jsonl",
        deadline_seconds=5,
    )

    received = server.received[0]
    boundary = received.headers["content-type"].partition("boundary=")[2]
    assert received.body.decode().replace(boundary, "BOUNDARY") == (
        '--BOUNDARY\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        '--BOUNDARY\r\nContent-Disposition: form-data; name="file"; '
        'filename="in.jsonl"\r\nContent-Type: application/octet-stream\r\n\r\n'
        '{"a":1}\n\r\n--BOUNDARY--\r\n'
    )


def test_an_upload_is_not_held_in_memory(
    server: WireServer, client: ControlClient, tmp_path: Path
) -> None:
    async def count(received: Received, wire: Wire) -> None:
        await wire.reply(b"%d" % len(received.body))
        received.body = b""

    file = tmp_path / "big"
    file.write_bytes(b"x" * 30_000_000)
    url = server.on("/files", count)
    form_overhead = client.upload(
        url, _empty(tmp_path), headers={}, fields={}, filename="f", deadline_seconds=20
    )
    tracemalloc.start(1)
    reply = client.upload(
        url, file, headers={}, fields={}, filename="f", deadline_seconds=20
    )
    ours = tracemalloc.take_snapshot().filter_traces(
        [tracemalloc.Filter(inclusive=True, filename_pattern="*kit/outbound.py")]
    )
    tracemalloc.stop()

    assert int(reply.body) == 30_000_000 + int(form_overhead.body)
    assert sum(trace.size for trace in ours.traces) < 1_000_000


def _empty(folder: Path) -> Path:
    file = folder / "empty"
    file.touch()
    return file


def test_a_download_lands_in_a_file(
    server: WireServer, client: ControlClient, tmp_path: Path
) -> None:
    async def content(_: Received, wire: Wire) -> None:
        await wire.reply(b"x" * 200_000)

    reply = download(client, server.on("/f", content), tmp_path / "out")

    assert (reply.status, reply.body) == (200, b"")
    assert (tmp_path / "out").read_bytes() == b"x" * 200_000


def test_a_download_that_fails_returns_its_body(
    server: WireServer, client: ControlClient, tmp_path: Path
) -> None:
    async def missing(_: Received, wire: Wire) -> None:
        await wire.reply(b"gone", "404 Not Found")

    reply = download(client, server.on("/f", missing), tmp_path / "out")

    assert (reply.status, reply.body) == (404, b"gone")
    assert not (tmp_path / "out").exists()


def test_a_download_over_its_cap_is_refused(
    server: WireServer, client: ControlClient, tmp_path: Path
) -> None:
    async def endless(_: Received, wire: Wire) -> None:
        await wire.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            await wire.send(b"x" * 10_000)

    with pytest.raises(ReplyTooLarge):
        download(client, server.on("/f", endless), tmp_path / "out")


def test_a_download_that_stops_short_is_an_unknown_outcome(
    server: WireServer, client: ControlClient, tmp_path: Path
) -> None:
    async def short(_: Received, wire: Wire) -> None:
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
        wire.close()

    with pytest.raises(OutcomeUnknown):
        download(client, server.on("/f", short), tmp_path / "out")


def test_a_download_below_the_floor_is_given_up(
    server: WireServer, tmp_path: Path
) -> None:
    async def slow(_: Received, wire: Wire) -> None:
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
        await wire.drip(b"x" * 5000)

    client = ControlClient(rate_grace_seconds=0.3)
    with pytest.raises(OutcomeUnknown, match="slowly"):
        download(client, server.on("/f", slow), tmp_path / "out")
    client.close()


def test_an_error_never_quotes_the_address(client: ControlClient) -> None:
    with pytest.raises(OutboundError) as refused:
        get(client, f"http://127.0.0.1:{free_port()}/secret-path")
    assert "secret-path" not in str(refused.value)


def download(client: ControlClient, url: str, target: Path) -> Reply:
    return client.download(
        url, target, headers={}, deadline_seconds=10, bytes_max=1_000_000
    )
