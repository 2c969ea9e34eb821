from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from pytest_django.fixtures import DjangoCaptureOnCommitCallbacks, Settings

from batchrouter.kit import clock
from batchrouter.kit.states import MoveNotAllowed
from batchrouter.mail.models import Letter
from batchrouter.mail.outbox import is_mail_on, post, send_again
from batchrouter.mail.states import LetterState
from tests.factories.mail import ADDRESS, LetterFactory

pytestmark = pytest.mark.django_db

NOW = clock.now()


def posted(**fields: Any) -> Letter:
    values: dict[str, Any] = {"kind": "test_note", "to": ADDRESS, "facts": {}}
    return post(**{**values, "ip": None, "now": NOW, **fields})


def test_a_letter_is_queued_and_due_at_once() -> None:
    letter = posted(facts={"subject": "Hello"}, ip="192.0.2.7")
    letter.refresh_from_db()
    assert (letter.state, letter.state_at) == (LetterState.QUEUED, NOW)
    assert letter.next_attempt_at == NOW
    assert letter.give_up_at == NOW + timedelta(hours=24)
    assert letter.facts == {"subject": "Hello"}
    assert letter.client == "192.0.2.7"
    assert letter.public_id.startswith("mail_")


def test_a_kind_can_be_given_up_sooner() -> None:
    assert posted(kind="test_brief").give_up_at == NOW + timedelta(hours=1)


def test_a_kind_that_nobody_writes_is_refused() -> None:
    with pytest.raises(LookupError):
        posted(kind="nonsense")
    assert not Letter.objects.exists()


def test_the_bell_is_rung_at_the_commit(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks() as rung:
        posted()
    assert len(rung) == 1


def test_a_letter_goes_with_the_transaction_that_caused_it() -> None:
    with transaction.atomic():
        posted()
        transaction.set_rollback(True)
    assert not Letter.objects.exists()


def test_a_business_key_makes_one_letter(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    first = posted(once="key_1:found")
    with django_capture_on_commit_callbacks() as rung:
        second = posted(once="key_1:found", facts={"subject": "Again"})
    assert second == first
    assert Letter.objects.get().facts == {}
    assert rung == []


def test_letters_without_a_business_key_are_many() -> None:
    assert posted() != posted()


@pytest.mark.parametrize(
    ("has_folder", "key", "is_on"),
    [(True, "", True), (False, "re_key", True), (False, "", False)],
    ids=["folder", "key", "neither"],
)
def test_mail_is_on_with_a_folder_or_a_key(
    settings: Settings, has_folder: bool, key: str, is_on: bool
) -> None:
    settings.MAIL_DIR = settings.MAIL_DIR if has_folder else None
    settings.RESEND_API_KEY = key
    assert is_mail_on() is is_on


def test_a_failed_letter_can_be_queued_anew_under_its_id() -> None:
    letter = LetterFactory.create(
        state=LetterState.FAILED, attempts=9, error="422 validation_error"
    )
    public_id, later = letter.public_id, NOW + timedelta(days=2)
    send_again(letter, now=later)
    letter.refresh_from_db()
    assert (letter.state, letter.public_id) == (LetterState.QUEUED, public_id)
    assert (letter.attempts, letter.error) == (0, "")
    assert letter.next_attempt_at == later
    assert letter.give_up_at == later + timedelta(hours=24)


@pytest.mark.parametrize("state", [LetterState.SENT, LetterState.DROPPED])
def test_what_has_not_failed_is_not_sent_again(state: LetterState) -> None:
    letter = LetterFactory.create(state=state, attempts=1)
    with pytest.raises(MoveNotAllowed):
        send_again(letter, now=NOW)
    letter.refresh_from_db()
    assert (letter.state, letter.attempts) == (state, 1)
