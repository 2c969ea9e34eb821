import asyncio
from datetime import timedelta

import orjson
import pytest

from batchrouter.kit import clock
from batchrouter.mail.models import Letter
from batchrouter.mail.sending import send_due_letters
from tests.factories.mail import ADDRESS, TOKEN_MARK, LetterFactory
from tests.routing.wire_server import Behaviour, Received, Wire, WireServer

pytestmark = pytest.mark.django_db

TAKEN = b'{"id": "49a3999c"}'


def answers(*replies: tuple[str, bytes, str]) -> Behaviour:
    """Reply with each in turn, and with the last for ever after."""
    left = list(replies)

    async def behave(_received: Received, wire: Wire) -> None:
        status, body, extra = left.pop(0) if len(left) > 1 else left[0]
        await wire.reply(body, status, extra)

    return behave


def problem(name: str, message: str = "Something is wrong.") -> bytes:
    return orjson.dumps({"name": name, "message": message})


def retry_now(letter: Letter) -> None:
    Letter.objects.filter(pk=letter.pk).update(next_attempt_at=clock.now())
    send_due_letters()
    letter.refresh_from_db()


def sent(letter: Letter) -> Letter:
    send_due_letters()
    letter.refresh_from_db()
    return letter


def test_the_request_is_as_resend_documents_it(provider: WireServer) -> None:
    provider.on("/emails", answers(("200 OK", TAKEN, "")))
    letter = sent(LetterFactory.create())
    (received,) = provider.received
    body = orjson.loads(received.body)
    assert (received.method, received.path) == ("POST", "/emails")
    assert received.headers["authorization"] == "Bearer re_test"
    assert received.headers["idempotency-key"] == letter.public_id
    assert body["to"] == [ADDRESS]
    assert body["from"] == "BatchRouter <no-reply@batchrouter.test>"
    assert body["subject"] == "A note"
    assert body["text"].startswith("A note\n")
    assert body["html"].startswith("<!DOCTYPE html>")
    assert orjson.loads(body["headers"]["X-Metadata"]) == {"letter": letter.public_id}
    assert body["headers"]["Auto-Submitted"] == "auto-generated"
    assert set(body) == {"from", "to", "subject", "text", "html", "headers"}


def test_what_the_provider_calls_it_is_kept(provider: WireServer) -> None:
    provider.on("/emails", answers(("200 OK", TAKEN, "")))
    letter = sent(LetterFactory.create())
    assert (letter.state, letter.provider_message_id) == ("sent", "49a3999c")


@pytest.mark.parametrize(
    ("status", "name"),
    [
        ("400 Bad Request", "validation_error"),
        ("422 Unprocessable Entity", "invalid_to_address"),
    ],
    ids=["400", "422"],
)
def test_a_refused_letter_is_not_tried_again(
    provider: WireServer, status: str, name: str
) -> None:
    provider.on("/emails", answers((status, problem(name), "")))
    letter = sent(LetterFactory.create())
    assert (letter.state, letter.error) == ("failed", f"{status[:3]} {name}")
    assert send_due_letters() == 0
    assert provider.seen["/emails"] == 1


def test_an_address_that_is_none_never_leaves_the_house(provider: WireServer) -> None:
    letter = sent(LetterFactory.create(to="not an address"))
    assert (letter.state, letter.error) == ("failed", "AnymailInvalidAddress")
    assert provider.received == []


def test_a_refusal_keeps_nothing_of_the_providers_sentence(
    provider: WireServer,
) -> None:
    body = problem("Invalid <name>", "invalid: obt_secret")
    provider.on("/emails", answers(("422 Unprocessable Entity", body, "")))
    assert sent(LetterFactory.create()).error == "422"


@pytest.mark.parametrize(
    ("status", "name"),
    [
        ("401 Unauthorized", "missing_api_key"),
        ("403 Forbidden", "invalid_api_key"),
        ("409 Conflict", "concurrent_idempotent_requests"),
        ("500 Internal Server Error", "internal_server_error"),
        ("503 Service Unavailable", "application_error"),
    ],
    ids=["401", "403", "409", "500", "503"],
)
def test_what_may_pass_is_tried_again_under_the_same_key(
    provider: WireServer, status: str, name: str
) -> None:
    provider.on("/emails", answers((status, problem(name), ""), ("200 OK", TAKEN, "")))
    letter = sent(LetterFactory.create())
    assert (letter.state, letter.error) == ("queued", f"{status[:3]} {name}")
    assert letter.next_attempt_at > clock.now()
    retry_now(letter)
    assert (letter.state, letter.error, letter.attempts) == ("sent", "", 2)
    keys = {received.headers["idempotency-key"] for received in provider.received}
    assert keys == {letter.public_id}


def test_the_provider_names_the_pause(provider: WireServer) -> None:
    slow = problem("rate_limit_exceeded")
    provider.on(
        "/emails", answers(("429 Too Many Requests", slow, "Retry-After: 600\r\n"))
    )
    before = clock.now()
    letter = sent(LetterFactory.create())
    assert (letter.state, letter.error) == ("queued", "429 rate_limit_exceeded")
    assert letter.next_attempt_at >= before + timedelta(seconds=600)


@pytest.mark.parametrize("value", ["soon", "-5", "99999999999999999999", "²"])
def test_an_odd_pause_costs_an_hour_at_most(provider: WireServer, value: str) -> None:
    extra = f"Retry-After: {value}\r\n"
    provider.on("/emails", answers(("429 Too Many Requests", problem("slow"), extra)))
    letter = sent(LetterFactory.create())
    assert letter.state == "queued"
    assert letter.next_attempt_at <= clock.now() + timedelta(hours=1)


def test_an_answer_that_was_lost_is_asked_for_again_and_known(
    provider: WireServer,
) -> None:
    repeated = ("409 Conflict", problem("invalid_idempotent_request"), "")
    known = answers(repeated)

    async def lose_the_first(received: Received, wire: Wire) -> None:
        if provider.seen["/emails"] == 1:
            await asyncio.sleep(1)
        else:
            await known(received, wire)

    provider.on("/emails", lose_the_first)
    letter = sent(LetterFactory.create(kind="test_token"))
    assert (letter.state, letter.error) == ("queued", "no answer")
    retry_now(letter)
    assert (letter.state, letter.error) == ("sent", "")
    first, second = provider.received
    assert first.body != second.body
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]


def test_a_server_that_is_down_is_tried_again(provider: WireServer) -> None:
    async def hang_up(_received: Received, wire: Wire) -> None:
        wire.reset()

    provider.on("/emails", hang_up)
    letter = sent(LetterFactory.create())
    assert (letter.state, letter.error) == ("queued", "no answer")


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b"{}"], ids=["html", "list", "empty"]
)
def test_an_answer_that_we_cannot_read_is_no_success(
    provider: WireServer, body: bytes
) -> None:
    provider.on("/emails", answers(("200 OK", body, "")))
    letter = sent(LetterFactory.create())
    assert (letter.state, letter.error) == ("queued", "200")


def test_a_redirect_gets_neither_key_nor_letter(provider: WireServer) -> None:
    provider.on("/elsewhere", answers(("200 OK", TAKEN, "")))
    provider.on(
        "/emails",
        answers(("307 Temporary Redirect", b"{}", "Location: /elsewhere\r\n")),
    )
    letter = sent(LetterFactory.create())
    assert (letter.state, letter.error) == ("queued", "307")
    assert provider.seen == {"/emails": 1}


def test_a_day_later_it_is_given_up(provider: WireServer) -> None:
    provider.on("/emails", answers(("503 Service Unavailable", b"{}", "")))
    letter = LetterFactory.create(created_at=clock.now() - timedelta(hours=24))
    assert (sent(letter).state, letter.error) == ("failed", "503")


def test_no_token_is_logged_when_it_fails(
    provider: WireServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    provider.on("/emails", answers(("500 Internal Server Error", b"{}", "")))
    sent(LetterFactory.create(kind="test_token"))
    assert TOKEN_MARK in provider.received[0].body.decode()
    assert TOKEN_MARK not in caplog.text
    assert "re_test" not in caplog.text
