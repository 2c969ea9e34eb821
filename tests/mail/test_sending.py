from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from batchrouter.kit import clock
from batchrouter.mail.folder import newest_letters
from batchrouter.mail.models import Letter
from batchrouter.mail.sending import send_due_letters
from batchrouter.mail.states import LetterState
from batchrouter.mail.tasks import send_due
from tests.factories.mail import (
    ADDRESS,
    TOKEN_MARK,
    LetterFactory,
    SuppressedAddressFactory,
)

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def test_a_due_letter_lands_in_the_folder(folder: Path) -> None:
    letter = LetterFactory.create()
    assert send_due_letters() == 1
    letter.refresh_from_db()
    assert (letter.state, letter.attempts, letter.error) == ("sent", 1, "")
    assert letter.sent_at == letter.state_at
    (stored,) = newest_letters(folder)
    assert (stored.mail_id, stored.to) == (letter.public_id, ADDRESS)
    assert stored.subject == "A note"


def test_the_task_sends_and_takes_what_newer_versions_may_pass(folder: Path) -> None:
    LetterFactory.create()
    send_due(letter_id=1)
    assert len(list(newest_letters(folder))) == 1


def test_a_sent_letter_is_not_sent_again(folder: Path) -> None:
    LetterFactory.create()
    send_due_letters()
    assert send_due_letters() == 0
    assert len(list(folder.iterdir())) == 1


def test_what_is_not_due_waits(folder: Path) -> None:
    letter = LetterFactory.create(next_attempt_at=clock.now() + HOUR)
    assert send_due_letters() == 0
    letter.refresh_from_db()
    assert (letter.state, letter.attempts) == ("queued", 0)
    assert not folder.exists()


def test_what_somebody_else_is_sending_is_left_to_them(folder: Path) -> None:
    LetterFactory.create(state="sending", lease_until=clock.now() + HOUR, attempts=1)
    assert send_due_letters() == 0
    assert not folder.exists()


def test_a_crash_before_the_outcome_was_written_gives_one_mail(folder: Path) -> None:
    letter = LetterFactory.create(kind="test_token")
    send_due_letters()
    # As if the sender had died between the call and its outcome.
    Letter.objects.filter(pk=letter.pk).update(
        state=LetterState.SENDING, lease_until=clock.now(), sent_at=None
    )
    assert send_due_letters() == 1
    letter.refresh_from_db()
    assert (letter.state, letter.attempts) == ("sent", 2)
    assert [path.name for path in folder.iterdir()] == [f"{letter.public_id}.eml"]


@pytest.mark.usefixtures("committed_db")
def test_senders_at_the_same_instant_share_the_letters(folder: Path) -> None:
    LetterFactory.create_batch(12)

    def send(_number: int) -> int:
        try:
            return send_due_letters()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        tried = list(pool.map(send, range(4)))
    assert sum(tried) == 12
    assert set(Letter.objects.values_list("state", "attempts")) == {("sent", 1)}
    assert len(list(folder.iterdir())) == 12


def test_a_letter_with_nothing_to_say_is_dropped(folder: Path) -> None:
    letter = LetterFactory.create(facts={"over": True})
    send_due_letters()
    letter.refresh_from_db()
    assert (letter.state, letter.sent_at) == ("dropped", None)
    assert not folder.exists()


def test_a_suppressed_address_gets_nothing(folder: Path) -> None:
    SuppressedAddressFactory.create(address=ADDRESS)
    letter = LetterFactory.create()
    send_due_letters()
    letter.refresh_from_db()
    assert letter.state == "dropped"
    assert not folder.exists()


def test_a_letter_that_cannot_be_written_holds_up_no_other(folder: Path) -> None:
    broken = LetterFactory.create(facts={"broken": True})
    good = LetterFactory.create()
    assert send_due_letters() == 2
    broken.refresh_from_db()
    good.refresh_from_db()
    assert (broken.state, broken.error) == ("queued", "TemplateDoesNotExist")
    assert broken.next_attempt_at > clock.now()
    assert good.state == "sent"
    assert len(list(folder.iterdir())) == 1


def test_pauses_grow_and_are_at_most_an_hour(folder: Path) -> None:
    young = LetterFactory.create(facts={"broken": True})
    old = LetterFactory.create(facts={"broken": True}, attempts=40)
    before = clock.now()
    send_due_letters()
    after = clock.now()
    young.refresh_from_db()
    old.refresh_from_db()
    assert before + timedelta(seconds=5) <= young.next_attempt_at
    assert young.next_attempt_at <= after + timedelta(seconds=10)
    assert before + HOUR / 2 <= old.next_attempt_at <= after + HOUR


def test_it_is_given_up_in_the_end(folder: Path) -> None:
    letter = LetterFactory.create(facts={"broken": True}, give_up_at=clock.now())
    send_due_letters()
    letter.refresh_from_db()
    assert (letter.state, letter.error) == ("failed", "TemplateDoesNotExist")


def test_while_mail_is_off_letters_wait(settings: Settings, folder: Path) -> None:
    settings.MAIL_DIR, settings.RESEND_API_KEY = None, ""
    letter = LetterFactory.create()
    send_due_letters()
    letter.refresh_from_db()
    assert (letter.state, letter.error) == ("queued", "mail is off")
    assert not folder.exists()


def test_no_token_is_left_in_the_database(folder: Path) -> None:
    LetterFactory.create(kind="test_token")
    send_due_letters()
    (stored,) = newest_letters(folder)
    assert stored.token is not None
    with connection.cursor() as cursor:
        cursor.execute("SELECT mail_letter::text FROM mail_letter")
        (row,) = cursor.fetchall()
    assert TOKEN_MARK not in row[0]
    assert stored.token not in row[0]


def test_no_token_stands_in_a_subject(folder: Path) -> None:
    LetterFactory.create(kind="test_token")
    send_due_letters()
    (stored,) = newest_letters(folder)
    assert stored.subject == "With a token"


def test_line_breaks_in_a_subject_make_no_header(folder: Path) -> None:
    LetterFactory.create(facts={"subject": "Hello\r\nBcc: victim@example.com\n\nText"})
    send_due_letters()
    (path,) = folder.iterdir()
    head = path.read_bytes().partition(b"\n\n")[0].decode()
    assert "Subject: Hello Bcc: victim@example.com Text\n" in head
    assert "\nBcc:" not in head


def test_a_long_subject_is_cut(folder: Path) -> None:
    LetterFactory.create(facts={"subject": "x" * 500})
    send_due_letters()
    (stored,) = newest_letters(folder)
    assert stored.subject == "x" * 119 + "…"


def test_mails_are_marked_as_written_by_a_machine(folder: Path) -> None:
    LetterFactory.create()
    send_due_letters()
    (path,) = folder.iterdir()
    assert b"Auto-Submitted: auto-generated\n" in path.read_bytes()
