import asyncio
import datetime
import ipaddress
import resource
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from batchrouter.kit.pool import Completed, HttpPool, PoolFull
from batchrouter.kit.reply_headers import ReplyHeaders
from routing.contracts import WireRequest
from tests.routing.wire_server import Received, Wire, WireServer


@pytest.fixture
def server() -> Iterator[WireServer]:
    with WireServer() as running:
        yield running


@pytest.fixture
def pool() -> Iterator[HttpPool]:
    with HttpPool(max_in_flight=64) as made:
        yield made


def post(url: str, body: bytes = b"{}") -> WireRequest:
    return WireRequest("POST", url, (("Content-Type", "application/json"),), body)


def one(pool: HttpPool, request: WireRequest, timeout_ms: int = 5000) -> Completed:
    pool.submit("token", request, timeout_ms)
    return drain(pool)[0]


def drain(pool: HttpPool) -> list[Completed]:
    done: list[Completed] = []
    while pool.in_flight:
        done += pool.wait(1.0)
    return done


async def echo(received: Received, wire: Wire) -> None:
    await wire.reply(received.body)


async def hang(_: Received, wire: Wire) -> None:
    await asyncio.sleep(60)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def test_a_thousand_calls_are_each_answered_once_with_their_own_body(
    server: WireServer, pool: HttpPool
) -> None:
    url = server.on("/echo", echo)
    waiting = [b'{"n":%d}' % number for number in range(1000)]
    answers: dict[object, bytes] = {}
    reports = 0
    while waiting or pool.in_flight:
        while waiting and pool.has_room:
            body = waiting.pop()
            pool.submit(body, post(url, body), 5000)
        for done in pool.wait(1.0):
            answers[done.token] = done.body
            reports += 1
    assert reports == 1000
    assert all(token == body for token, body in answers.items())
    assert server.seen["/echo"] == 1000


def test_a_reply_carries_status_headers_and_time(
    server: WireServer, pool: HttpPool
) -> None:
    async def limited(_: Received, wire: Wire) -> None:
        await wire.reply(b"slow", "429 Too Many", "Retry-After: 7\r\n")

    done = one(pool, post(server.on("/x", limited)))

    assert (done.status, done.body, done.fault) == (429, b"slow", None)
    assert done.headers["Retry-After"] == "7"
    assert done.headers.get("retry-after") == "7"
    assert 0 <= done.elapsed_ms < 5000


def test_the_deadline_is_total_even_while_bytes_keep_coming(
    server: WireServer, pool: HttpPool
) -> None:
    async def drip(_: Received, wire: Wire) -> None:
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
        await wire.drip(b"x" * 5000)

    started = time.monotonic()
    done = one(pool, post(server.on("/drip", drip)), timeout_ms=300)

    assert (done.fault, done.status) == ("timed_out", 0)
    assert 0.25 < time.monotonic() - started < 50  # all of it takes 100 seconds


def test_the_deadline_covers_headers_that_never_end(
    server: WireServer, pool: HttpPool
) -> None:
    async def drip(_: Received, wire: Wire) -> None:
        await wire.drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 5000)

    done = one(pool, post(server.on("/drip", drip)), timeout_ms=300)

    assert done.fault == "timed_out"


def test_a_reset_after_the_request_is_an_unknown_outcome(
    server: WireServer, pool: HttpPool
) -> None:
    async def reset(_: Received, wire: Wire) -> None:
        wire.reset()

    done = one(pool, post(server.on("/reset", reset)))

    assert done.fault == "no_answer"


def test_a_body_that_stops_short_is_an_unknown_outcome(
    server: WireServer, pool: HttpPool
) -> None:
    async def short(_: Received, wire: Wire) -> None:
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}")
        wire.close()

    done = one(pool, post(server.on("/short", short)))

    assert (done.fault, done.body) == ("no_answer", b"")


def test_a_request_is_never_sent_twice_when_a_kept_connection_dies(
    server: WireServer, pool: HttpPool
) -> None:
    async def second_dies(received: Received, wire: Wire) -> None:
        if received.nth == 1:
            await wire.reply()
        else:
            wire.reset()

    url = server.on("/x", second_dies)
    first = one(pool, post(url))
    second = one(pool, post(url))

    assert (first.status, second.fault) == (200, "no_answer")
    assert server.seen["/x"] == 2


def test_a_connection_that_the_server_closed_meanwhile_is_replaced(
    server: WireServer, pool: HttpPool
) -> None:
    async def once(_: Received, wire: Wire) -> None:
        await wire.reply()
        wire.close()

    url = server.on("/x", once)
    first = one(pool, post(url))
    time.sleep(1.2)  # libcurl looks at connections that were idle for a second
    second = one(pool, post(url))

    assert (first.status, second.status) == (200, 200)
    assert server.seen["/x"] == 2


def test_a_refused_connection_is_not_sent(pool: HttpPool) -> None:
    done = one(pool, post(f"http://127.0.0.1:{free_port()}/"))

    assert done.fault == "not_sent"


def test_a_name_that_does_not_resolve_is_not_sent(pool: HttpPool) -> None:
    done = one(pool, post("http://nowhere.invalid/"), timeout_ms=20_000)

    assert done.fault == "not_sent"


def test_a_deadline_before_the_connection_stands_is_not_sent(pool: HttpPool) -> None:
    with socket.socket() as listener:
        # Accepts nothing; one connection fills its queue, the next one waits.
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        with socket.create_connection(address):
            done = one(pool, post(f"http://127.0.0.1:{address[1]}/"), timeout_ms=300)
    assert done.fault == "not_sent"


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "nonsense"])
def test_only_http_is_spoken(pool: HttpPool, url: str) -> None:
    done = one(pool, post(url), timeout_ms=500)

    assert (done.fault, done.body) == ("not_sent", b"")


def test_a_long_body_is_cut_off_by_its_stated_length(server: WireServer) -> None:
    async def big(_: Received, wire: Wire) -> None:
        await wire.reply(b"x" * 2000)

    url = server.on("/big", big)
    with HttpPool(max_in_flight=1, body_bytes_max=1000) as pool:
        done = one(pool, post(url))
    assert (done.fault, done.body) == ("too_large", b"")


def test_a_long_body_without_a_length_is_cut_off_as_it_comes(
    server: WireServer,
) -> None:
    async def endless(_: Received, wire: Wire) -> None:
        await wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await wire.send(b"3e8\r\n" + b"x" * 1000 + b"\r\n")

    url = server.on("/endless", endless)
    with HttpPool(max_in_flight=1, body_bytes_max=100_000) as pool:
        done = one(pool, post(url))
    assert done.fault == "too_large"


@pytest.mark.parametrize("count", [100, 1000])
def test_too_many_headers_are_refused(
    server: WireServer, pool: HttpPool, count: int
) -> None:
    async def heads(_: Received, wire: Wire) -> None:
        await wire.reply(extra=f"X-Pad: {'x' * 1000}\r\n" * count)

    done = one(pool, post(server.on("/heads", heads)))

    assert done.fault == "too_large"


def test_a_redirect_is_handed_back_unfollowed(
    server: WireServer, pool: HttpPool
) -> None:
    async def moved(_: Received, wire: Wire) -> None:
        await wire.reply(b"", "308 Moved", f"Location: {server.url}/echo\r\n")

    server.on("/echo", echo)
    done = one(pool, post(server.on("/moved", moved)))

    assert done.status == 308
    assert server.seen["/echo"] == 0


def test_a_canceled_call_is_named_and_the_pool_goes_on(
    server: WireServer, pool: HttpPool
) -> None:
    hanging, answering = server.on("/hang", hang), server.on("/echo", echo)
    for token in ("a", "b"):
        pool.submit(token, post(hanging), 60_000)
    pool.wait(0.1)

    assert sorted(map(str, pool.cancel_all())) == ["a", "b"]
    assert pool.in_flight == 0
    assert one(pool, post(answering)).status == 200


def test_waiting_returns_empty_after_its_time(
    server: WireServer, pool: HttpPool
) -> None:
    pool.submit("a", post(server.on("/hang", hang)), 60_000)
    started = time.monotonic()

    assert pool.wait(0.2) == []
    assert 0.15 < time.monotonic() - started < 50


def test_a_long_wait_ends_when_a_calls_deadline_passes(
    server: WireServer, pool: HttpPool
) -> None:
    pool.submit("a", post(server.on("/hang", hang)), 200)
    started = time.monotonic()

    assert [done.fault for done in pool.wait(100)] == ["timed_out"]
    assert time.monotonic() - started < 50


def test_a_window_may_be_wider_than_select_can_watch(server: WireServer) -> None:
    count = 1200
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 4 * count:
        pytest.skip("this machine allows too few open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4 * count), hard))

    async def slow(received: Received, wire: Wire) -> None:
        await asyncio.sleep(1.0)
        await wire.reply(received.body)

    url = server.on("/slow", slow)
    with HttpPool(max_in_flight=count) as pool:
        for number in range(count):
            pool.submit(number, post(url), 30_000)
        done = drain(pool)
    assert {call.token for call in done} == set(range(count))
    assert {call.status for call in done} == {200}


def test_waiting_for_nothing_returns_at_once(pool: HttpPool) -> None:
    started = time.monotonic()

    assert pool.wait(100) == []
    assert time.monotonic() - started < 50


def test_more_than_the_window_is_refused(server: WireServer) -> None:
    url = server.on("/hang", hang)
    with HttpPool(max_in_flight=1) as pool:
        pool.submit("a", post(url), 60_000)
        with pytest.raises(PoolFull):
            pool.submit("b", post(url), 60_000)
        assert pool.in_flight == 1


def test_a_line_break_in_a_header_is_refused(
    server: WireServer, pool: HttpPool
) -> None:
    url = server.on("/echo", echo)
    request = WireRequest("POST", url, (("X-Ref", "a\r\nX-Other: b"),), b"")

    with pytest.raises(ValueError, match="line break"):
        pool.submit("a", request, 1000)
    assert (pool.in_flight, server.seen["/echo"]) == (0, 0)


def test_the_proxies_of_the_environment_are_not_used(
    server: WireServer, pool: HttpPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")

    assert one(pool, post(server.on("/echo", echo))).status == 200


def test_a_handle_serves_gets_and_posts_in_turn(
    server: WireServer, pool: HttpPool
) -> None:
    url = server.on("/echo", echo)
    get = WireRequest("GET", url, (), b"")
    for request in (post(url, b"1"), get, post(url, b"22"), get):
        assert one(pool, request).body == request.body
    assert [got.method for got in server.received] == ["POST", "GET", "POST", "GET"]


def test_our_headers_arrive_and_no_pause_is_asked_for(
    server: WireServer, pool: HttpPool
) -> None:
    body = b"x" * 2_000_000
    done = one(pool, post(server.on("/echo", echo), body))

    assert done.body == body
    sent = server.received[0].headers
    assert sent["content-type"] == "application/json"
    assert sent["content-length"] == "2000000"
    assert "expect" not in sent


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    with WireServer(tls=self_signed(tmp_path)) as server:
        url = server.on("/echo", echo)
        with HttpPool(max_in_flight=1) as pool:
            done = one(pool, post(url))
        assert (done.fault, server.seen["/echo"]) == ("not_sent", 0)


def test_an_authority_of_ones_own_can_be_named(tmp_path: Path) -> None:
    context = self_signed(tmp_path)
    with WireServer(tls=context) as server:
        url = server.on("/echo", echo)
        with HttpPool(max_in_flight=1, ca_file=str(tmp_path / "pem")) as pool:
            done = one(pool, post(url))
        assert (done.fault, done.status) == (None, 200)


def test_an_informational_reply_does_not_hide_the_real_headers() -> None:
    raw = (
        b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nX-One: 1\r\nx-one: 2\r\nBroken\r\n\r\n"
    )
    assert dict(ReplyHeaders(raw)) == {"x-one": "1, 2"}


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=36_500))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    pem = folder / "pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context
