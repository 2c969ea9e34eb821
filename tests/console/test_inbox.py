from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from batchrouter.mail.folder import newest_letters, write_letter
from batchrouter.mail.sending import send_due_letters
from tests.factories.mail import ADDRESS, LetterFactory
from tests.support.calls import client
from tests.support.mailbox import Mailbox

pytestmark = pytest.mark.django_db

ALL_PATHS = (
    "/dev/inbox",
    "/dev/inbox/latest",
    "/dev/inbox/token",
    "/dev/inbox/mail_00000000000000000000000000",
    "/dev/inbox/mail_00000000000000000000000000/html",
)


@pytest.fixture
def folder(mailbox: Mailbox) -> Path:
    return mailbox.folder


def send(kind: str = "test_token", to: str = ADDRESS) -> str:
    """Send a letter and return its id."""
    letter = LetterFactory.create(kind=kind, to=to)
    send_due_letters()
    return letter.public_id


@pytest.mark.parametrize("path", ALL_PATHS)
def test_where_mail_is_really_sent_there_is_no_inbox(
    settings: Settings, path: str
) -> None:
    settings.MAIL_DIR = None
    assert client().get(path).status_code == 404


@pytest.mark.parametrize("path", ALL_PATHS)
def test_the_inbox_is_only_read(folder: Path, path: str) -> None:
    send()
    assert client().post(path).status_code == 405
    assert len(list(folder.iterdir())) == 1


def test_the_list_shows_the_newest_first(folder: Path) -> None:
    first, second = send(), send("test_note", to="other@example.com")
    page = client().get("/dev/inbox").content.decode()
    assert page.index(second) < page.index(first)


def test_the_list_can_be_of_one_address(folder: Path) -> None:
    first, second = send(), send(to="other@example.com")
    page = client().get("/dev/inbox", {"to": "Other@Example.com"}).content.decode()
    assert second in page
    assert first not in page


def test_an_empty_inbox_says_so(folder: Path) -> None:
    assert "There is no mail yet" in client().get("/dev/inbox").content.decode()


def test_the_page_of_a_letter_has_its_text_with_links_and_frames_its_html(
    folder: Path,
) -> None:
    mail_id = send()
    (letter,) = newest_letters(folder)
    page = client().get(f"/dev/inbox/{mail_id}").content.decode()
    link = f"http://127.0.0.1:8000/signup/confirm?token={letter.token}"
    assert f'<a href="{link}"' in page
    assert f'src="/dev/inbox/{mail_id}/html"' in page
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page


def test_the_html_of_a_letter_runs_and_loads_nothing(folder: Path) -> None:
    reply = client().get(f"/dev/inbox/{send()}/html")
    assert reply.status_code == 200
    policy = reply.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert policy.endswith("sandbox allow-popups allow-popups-to-escape-sandbox")
    assert reply.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert b"<script" not in reply.content


@pytest.mark.parametrize(
    "mail_id",
    [
        "mail_00000000000000000000000000",
        "mail_1",
        "..%2f..%2fsecret",
        "nonsense",
    ],
)
def test_an_unknown_letter_is_not_found(folder: Path, mail_id: str) -> None:
    write_letter(folder.parent, "secret", b"Subject: Secret\n\nText")
    assert client().get(f"/dev/inbox/{mail_id}").status_code == 404
    assert client().get(f"/dev/inbox/{mail_id}/html").status_code == 404


def test_the_latest_is_told_as_json(folder: Path) -> None:
    send()
    mail_id = send()
    send("test_note", to="other@example.com")
    letter = next(newest_letters(folder, to=ADDRESS))
    reply = client().get("/dev/inbox/latest", {"to": ADDRESS})
    assert reply.json() == {
        "id": mail_id,
        "to": ADDRESS,
        "subject": "With a token",
        "text": letter.text,
        "token": letter.token,
    }


def test_a_letter_without_a_token_says_so(folder: Path) -> None:
    send("test_note")
    assert client().get("/dev/inbox/latest", {"to": ADDRESS}).json()["token"] is None
    assert client().get("/dev/inbox/token", {"to": ADDRESS}).status_code == 404


def test_the_token_comes_bare(folder: Path) -> None:
    send()
    (letter,) = newest_letters(folder)
    reply = client().get("/dev/inbox/token", {"to": ADDRESS})
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert reply.content.decode() == letter.token


@pytest.mark.parametrize("path", ["/dev/inbox/latest", "/dev/inbox/token"])
def test_before_there_is_mail_a_sentence_says_to_ask_again(
    folder: Path, path: str
) -> None:
    send(to="other@example.com")
    reply = client().get(path, {"to": ADDRESS})
    assert reply.status_code == 404
    assert reply.content == b"No mail yet. It is sent within seconds; ask again.\n"


def test_nothing_of_the_inbox_is_cached(folder: Path) -> None:
    send()
    for path in ("/dev/inbox", "/dev/inbox/token"):
        assert "no-store" in client().get(path).headers["Cache-Control"]
