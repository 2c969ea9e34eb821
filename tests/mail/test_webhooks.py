from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from django.http import HttpResponse
from pytest_django.fixtures import Settings
from svix.webhooks import Webhook

from batchrouter.kit import clock
from batchrouter.mail.models import Letter, SuppressedAddress
from tests.factories.mail import ADDRESS, LetterFactory
from tests.support.calls import client

pytestmark = pytest.mark.django_db

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_" + "A" * 32
PERMANENT = {
    "message": "The recipient's email provider sent a hard bounce message.",
    "type": "Permanent",
    "subType": "General",
}


@pytest.fixture(autouse=True)
def _secret(settings: Settings) -> None:
    settings.ANYMAIL = {**settings.ANYMAIL, "RESEND_SIGNING_SECRET": SECRET}


@pytest.fixture
def letter() -> Letter:
    return LetterFactory.create(
        state="sent", attempts=1, provider_message_id="56761188-7520"
    )


def event(kind: str, **data: Any) -> bytes:
    return orjson.dumps(
        {
            "type": f"email.{kind}",
            "created_at": "2026-11-22T10:00:00.000Z",
            "data": {
                "email_id": "56761188-7520",
                "to": [ADDRESS],
                "subject": "A note",
                **data,
            },
        }
    )


def call(
    body: bytes, *, secret: str = SECRET, at: datetime | None = None, times: int = 1
) -> HttpResponse:
    at = at or clock.now()
    headers = {
        "svix-id": "msg_1",
        "svix-timestamp": str(int(at.timestamp())),
        "svix-signature": Webhook(secret).sign("msg_1", at, body.decode()),
    }
    replies = [
        client().post(
            "/webhooks/mail/resend", body, "application/json", headers=headers
        )
        for _ in range(times)
    ]
    return HttpResponse(status=replies[-1].status_code)


def fates(letter: Letter) -> tuple[bool, bool, bool]:
    letter.refresh_from_db()
    return (
        letter.delivered_at is not None,
        letter.bounced_at is not None,
        letter.complained_at is not None,
    )


def suppressed() -> list[tuple[str, str]]:
    return list(SuppressedAddress.objects.values_list("address", "reason"))


def test_a_delivery_is_noted(letter: Letter) -> None:
    assert call(event("delivered")).status_code == 200
    assert fates(letter) == (True, False, False)
    assert suppressed() == []


def test_a_hard_bounce_ends_the_mail_to_an_address(letter: Letter) -> None:
    assert call(event("bounced", bounce=PERMANENT)).status_code == 200
    assert fates(letter) == (False, True, False)
    assert suppressed() == [(ADDRESS, "bounced")]


def test_a_full_mailbox_does_not(letter: Letter) -> None:
    bounce = {**PERMANENT, "type": "Transient", "subType": "MailboxFull"}
    assert call(event("bounced", bounce=bounce)).status_code == 200
    assert fates(letter) == (False, True, False)
    assert suppressed() == []


def test_a_letter_that_the_provider_could_not_send_is_noted(letter: Letter) -> None:
    failed = event("failed", failed={"reason": "reached_daily_quota"})
    assert call(failed).status_code == 200
    assert fates(letter) == (False, True, False)
    assert suppressed() == []


def test_an_address_that_the_provider_suppresses_is_suppressed_here(
    letter: Letter,
) -> None:
    assert call(event("suppressed")).status_code == 200
    assert fates(letter) == (False, True, False)
    assert suppressed() == [(ADDRESS, "bounced")]


def test_a_complaint_ends_the_mail_to_an_address(letter: Letter) -> None:
    assert call(event("complained")).status_code == 200
    assert fates(letter) == (False, False, True)
    assert suppressed() == [(ADDRESS, "complained")]


def test_a_repeated_event_changes_nothing(letter: Letter) -> None:
    call(event("bounced", bounce=PERMANENT))
    letter.refresh_from_db()
    first = letter.bounced_at
    assert call(event("bounced", bounce=PERMANENT), times=2).status_code == 200
    letter.refresh_from_db()
    assert letter.bounced_at == first
    assert suppressed() == [(ADDRESS, "bounced")]


def test_our_own_id_in_the_event_is_enough() -> None:
    letter = LetterFactory.create(state="sending", attempts=1)
    metadata = orjson.dumps({"letter": letter.public_id}).decode()
    headers = [{"name": "X-Metadata", "value": metadata}]
    assert call(event("delivered", headers=headers)).status_code == 200
    assert fates(letter) == (True, False, False)


@pytest.mark.parametrize("kind", ["opened", "sent", "delivery_delayed", "invented"])
def test_other_events_change_nothing(letter: Letter, kind: str) -> None:
    assert call(event(kind)).status_code == 200
    assert fates(letter) == (False, False, False)


def test_an_event_about_an_unknown_letter_is_ignored(letter: Letter) -> None:
    body = event("bounced", email_id="another", bounce=PERMANENT)
    assert call(body).status_code == 200
    assert fates(letter) == (False, False, False)
    assert suppressed() == []


def test_a_letter_without_an_id_of_the_provider_is_not_taken_for_one() -> None:
    letter = LetterFactory.create(state="sent", attempts=1)
    assert call(event("delivered", email_id="")).status_code == 200
    assert fates(letter) == (False, False, False)


@pytest.mark.parametrize(
    ("secret", "age"),
    [(OTHER_SECRET, timedelta()), (SECRET, timedelta(hours=1))],
    ids=["forged", "replayed"],
)
def test_a_signature_that_is_not_right_changes_nothing(
    letter: Letter, secret: str, age: timedelta
) -> None:
    body = event("complained")
    assert call(body, secret=secret, at=clock.now() - age).status_code == 400
    assert fates(letter) == (False, False, False)
    assert suppressed() == []


def test_without_a_signature_nothing_changes(letter: Letter) -> None:
    reply = client().post(
        "/webhooks/mail/resend", event("complained"), "application/json"
    )
    assert reply.status_code == 400
    assert fates(letter) == (False, False, False)


def test_without_the_secret_there_is_no_such_address(
    settings: Settings, letter: Letter
) -> None:
    settings.ANYMAIL = {**settings.ANYMAIL, "RESEND_SIGNING_SECRET": ""}
    assert call(event("complained")).status_code == 404
    assert fates(letter) == (False, False, False)
