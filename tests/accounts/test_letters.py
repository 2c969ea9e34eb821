"""What people are told, as it lands in their mailbox."""

import re
import shlex
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from accounts.models import EmailChange, Invitation, Org, Role, SignUp, User
from accounts.tokens import Purpose, read_reset_token, read_token
from batchrouter.kit import clock
from batchrouter.mail.folder import StoredLetter, newest_letters
from batchrouter.mail.models import Letter
from batchrouter.mail.outbox import post
from batchrouter.mail.sending import send_due_letters
from tests.factories.accounts import OrgFactory, UserFactory, make_key
from tests.support.mailbox import Mailbox

pytestmark = pytest.mark.django_db

ADDRESS = "ada@example.com"
BASE = "http://127.0.0.1:8000"
NOW = clock.now()


@pytest.fixture(autouse=True)
def folder(mailbox: Mailbox) -> Path:
    return mailbox.folder


def row_of(kind: str, to: str, **facts: Any) -> Letter:
    """Post a letter, send it, and return its row."""
    letter = post(kind=kind, to=to, facts=facts, ip=None, now=clock.now())
    send_due_letters()
    letter.refresh_from_db()
    return letter


def mail(folder: Path, kind: str, to: str = ADDRESS, **facts: Any) -> StoredLetter:
    """Post a letter, send it, and return what its reader got."""
    assert row_of(kind, to, **facts).state == "sent"
    return next(newest_letters(folder))


def dropped(kind: str, to: str = ADDRESS, **facts: Any) -> bool:
    return row_of(kind, to, **facts).state == "dropped"


def bare_token(letter: StoredLetter) -> str:
    assert letter.token is not None
    return letter.token


def call_of(letter: StoredLetter) -> tuple[str, dict[str, str], dict[str, str]]:
    """Return the address, the headers and the body of the curl line in the text."""
    (line,) = [row for row in letter.text.split("\n") if row.startswith("curl ")]
    words = shlex.split(line)
    assert words[:3] == ["curl", "-X", "POST"]
    headers = [words[at + 1] for at, word in enumerate(words) if word == "-H"]
    assert words[-2] == "-d"
    return words[3], dict(each.split(": ") for each in headers), orjson.loads(words[-1])


JSON_ONLY = {"Content-Type": "application/json"}


@pytest.fixture
def wish() -> SignUp:
    return SignUp.objects.create(email=ADDRESS, password="x", org_name="Acme")


@pytest.fixture
def change() -> EmailChange:
    return EmailChange.objects.create(user=UserFactory.create(), email=ADDRESS)


def make_invitation(org: Org | None = None) -> Invitation:
    return Invitation.objects.create(
        org=org or OrgFactory.create(name="Acme Robotics"),
        email=ADDRESS,
        role=Role.ADMIN,
        invited_by=UserFactory.create(email="grace@example.com"),
        expires_at=NOW,
    )


@pytest.mark.parametrize("kind", ["sign_up", "sign_up_again"])
def test_a_sign_up_is_confirmed_by_link_token_or_call(
    folder: Path, wish: SignUp, kind: str
) -> None:
    facts = {"sign_up": wish.public_id} if kind == "sign_up" else {}
    letter = mail(folder, kind, **facts)
    token = bare_token(letter)
    assert letter.subject == "Confirm your address for BatchRouter"
    assert read_token(Purpose.SIGN_UP, token) == wish.public_id
    assert f"\n{BASE}/signup/confirm?token={token}\n" in letter.text
    assert call_of(letter) == (
        f"{BASE}/v1/auth/verify-email/confirm",
        JSON_ONLY,
        {"token": token},
    )
    assert "valid for 3 days" in letter.text


@pytest.mark.parametrize("kind", ["sign_up", "sign_up_again"])
def test_an_address_with_an_account_is_told_so_without_a_token(
    folder: Path, wish: SignUp, kind: str
) -> None:
    UserFactory.create(email=ADDRESS)
    facts = {"sign_up": wish.public_id} if kind == "sign_up" else {}
    letter = mail(folder, kind, **facts)
    assert letter.subject == "You already have a BatchRouter account"
    assert letter.token is None
    assert "obt_" not in letter.text + letter.html
    assert f"{BASE}/login" in letter.text
    assert f"{BASE}/password/reset" in letter.text


def test_a_confirmed_sign_up_needs_no_mail(wish: SignUp) -> None:
    SignUp.objects.update(confirmed_at=NOW)
    assert dropped("sign_up", sign_up=wish.public_id)
    assert dropped("sign_up_again")


def test_asked_again_the_newest_sign_up_counts(folder: Path, wish: SignUp) -> None:
    newer = SignUp.objects.create(email=ADDRESS, password="y", org_name="Acme")
    token = bare_token(mail(folder, "sign_up_again"))
    assert read_token(Purpose.SIGN_UP, token) == newer.public_id


def test_asked_again_without_a_sign_up_there_is_no_mail(folder: Path) -> None:
    assert dropped("sign_up_again")
    assert not folder.exists()


def test_a_reset_carries_a_token_of_the_user(folder: Path) -> None:
    user = UserFactory.create(email=ADDRESS)
    letter = mail(folder, "password_reset")
    token = bare_token(letter)
    assert letter.subject == "Set a new password for BatchRouter"
    assert read_reset_token(token) == user
    assert f"\n{BASE}/password/reset/confirm?token={token}\n" in letter.text
    assert call_of(letter) == (
        f"{BASE}/v1/auth/password/reset/confirm",
        JSON_ONLY,
        {"token": token, "password": "YOUR_NEW_PASSWORD"},
    )


@pytest.mark.parametrize("kind", ["password_reset", "password_changed"])
@pytest.mark.parametrize("is_known", [True, False], ids=["inactive", "unknown"])
def test_who_has_no_active_account_gets_no_mail(
    folder: Path, kind: str, is_known: bool
) -> None:
    if is_known:
        UserFactory.create(email=ADDRESS, is_active=False)
    assert dropped(kind)
    assert not folder.exists()


def test_a_changed_password_is_told_with_what_to_do(folder: Path) -> None:
    UserFactory.create(email=ADDRESS)
    letter = mail(folder, "password_changed")
    assert letter.subject == "Your BatchRouter password was changed"
    assert letter.token is None
    assert f"set a new password now at {BASE}/password/reset " in letter.text


def test_a_new_address_is_confirmed(folder: Path, change: EmailChange) -> None:
    letter = mail(folder, "email_change", email_change=change.public_id)
    token = bare_token(letter)
    assert letter.subject == "Confirm your new address for BatchRouter"
    assert read_token(Purpose.EMAIL_CHANGE, token) == change.public_id
    assert f"\n{BASE}/account/email/confirm?token={token}\n" in letter.text
    assert call_of(letter) == (
        f"{BASE}/v1/auth/account/email/confirm",
        JSON_ONLY,
        {"token": token},
    )


def test_an_address_that_is_taken_gets_no_confirmation(
    folder: Path, change: EmailChange
) -> None:
    UserFactory.create(email=ADDRESS)
    assert dropped("email_change", email_change=change.public_id)
    assert not folder.exists()


def test_a_confirmed_address_needs_no_mail(change: EmailChange) -> None:
    EmailChange.objects.update(confirmed_at=NOW)
    assert dropped("email_change", email_change=change.public_id)


def test_the_old_address_learns_of_the_new_one_in_part(folder: Path) -> None:
    letter = mail(folder, "email_changed", new_email="grace.hopper@example.org")
    assert "goes by the address g…@example.org now" in letter.text
    assert "hopper" not in letter.text + letter.html


def test_an_invitation_says_who_where_and_as_what(folder: Path) -> None:
    offer = make_invitation()
    letter = mail(folder, "invitation", invitation=offer.public_id)
    token = bare_token(letter)
    assert letter.subject == "Invitation to Acme Robotics on BatchRouter"
    assert (
        "grace@example.com invites you to the organization “Acme Robotics” on "
        "BatchRouter, with the role “admin”." in letter.text
    )
    assert read_token(Purpose.INVITATION, token) == offer.public_id
    assert f"\n{BASE}/invitations/accept?token={token}\n" in letter.text


def test_who_has_no_account_accepts_with_a_password(folder: Path) -> None:
    offer = make_invitation()
    letter = mail(folder, "invitation", invitation=offer.public_id)
    assert call_of(letter) == (
        f"{BASE}/v1/auth/account/invitations/accept",
        JSON_ONLY,
        {"token": bare_token(letter), "password": "YOUR_NEW_PASSWORD"},
    )


def test_who_has_an_account_accepts_while_logged_in(folder: Path) -> None:
    UserFactory.create(email=ADDRESS)
    letter = mail(folder, "invitation", invitation=make_invitation().public_id)
    assert call_of(letter) == (
        f"{BASE}/v1/auth/account/invitations/accept",
        {"Authorization": "Bearer YOUR_SESSION_TOKEN", **JSON_ONLY},
        {"token": bare_token(letter)},
    )


@pytest.mark.parametrize("column", ["accepted_at", "revoked_at"])
def test_an_invitation_that_is_over_needs_no_mail(column: str) -> None:
    offer = make_invitation()
    Invitation.objects.update(**{column: NOW})
    assert dropped("invitation", invitation=offer.public_id)


def test_a_suspended_organization_invites_nobody() -> None:
    offer = make_invitation(OrgFactory.create(is_suspended=True))
    assert dropped("invitation", invitation=offer.public_id)


def test_the_name_of_an_organization_is_text_in_html(folder: Path) -> None:
    org = OrgFactory.create(name="<script>alert(1)</script>")
    letter = mail(folder, "invitation", invitation=make_invitation(org).public_id)
    assert "<script" not in letter.html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in letter.html
    assert "“<script>alert(1)</script>”" in letter.text


def test_the_name_of_an_organization_makes_no_header(folder: Path) -> None:
    org = OrgFactory.create(name="Acme\r\nBcc: victim@example.com")
    letter = mail(folder, "invitation", invitation=make_invitation(org).public_id)
    assert letter.subject == "Invitation to Acme Bcc: victim@example.com on BatchRouter"
    (path,) = folder.iterdir()
    assert not re.search(rb"^Bcc:", path.read_bytes(), re.MULTILINE)


def test_the_name_of_an_organization_is_short_and_no_link(folder: Path) -> None:
    org = OrgFactory.create(name="Win at https://evil.example " + "x" * 90)
    letter = mail(folder, "invitation", invitation=make_invitation(org).public_id)
    shown = "Win at https evil.example " + "x" * 33 + "…"
    assert letter.subject == f"Invitation to {shown} on BatchRouter"
    assert "https://evil" not in letter.text + letter.html


def test_a_revoked_key_is_told_with_the_place_as_plain_words(folder: Path) -> None:
    made = make_key(OrgFactory.create(name="Acme"))
    letter = mail(
        folder,
        "key_revoked",
        key=made.row.public_id,
        where="https://example.org/<b>repo</b>\nClick here",
    )
    assert letter.subject == "An API key of yours was found in public and revoked"
    assert f"“test” ({made.row.prefix}…) of the organization “Acme”" in letter.text
    assert "\nhttps example.org/<b>repo</b> Click here\n" in letter.text
    assert "https example.org/&lt;b&gt;repo&lt;/b&gt; Click here" in letter.html
    assert f"{BASE}/account/keys" in letter.text
    assert made.secret not in letter.text + letter.html


def test_a_key_that_is_gone_needs_no_mail() -> None:
    assert dropped("key_revoked", key="key_0", where="")


@pytest.mark.parametrize(
    ("what", "subject", "said"),
    [
        ("added", "Two-factor login was switched on", "asks for a code of"),
        ("removed", "Two-factor login was switched off", "no longer asks for a code"),
    ],
    ids=["added", "removed"],
)
def test_a_second_factor_is_told(
    folder: Path, what: str, subject: str, said: str
) -> None:
    UserFactory.create(email=ADDRESS)
    letter = mail(folder, "second_factor_changed", what=what)
    assert letter.subject == subject
    assert said in letter.text
    assert said in letter.html


def every_letter(folder: Path) -> list[StoredLetter]:
    """Send one letter of each kind."""
    wish = SignUp.objects.create(email="new@example.com", password="x", org_name="A")
    user = UserFactory.create(email=ADDRESS)
    moving = EmailChange.objects.create(user=user, email="moved@example.com")
    offer = make_invitation()
    key = make_key(OrgFactory.create()).row
    sent = [
        ("sign_up", wish.email, {"sign_up": wish.public_id}),
        ("sign_up_again", wish.email, {}),
        ("sign_up_again", ADDRESS, {}),
        ("password_reset", ADDRESS, {}),
        ("password_changed", ADDRESS, {}),
        ("email_change", moving.email, {"email_change": moving.public_id}),
        ("email_changed", ADDRESS, {"new_email": "moved@example.com"}),
        ("invitation", ADDRESS, {"invitation": offer.public_id}),
        ("key_revoked", ADDRESS, {"key": key.public_id, "where": "a repository"}),
        ("second_factor_changed", ADDRESS, {"what": "added"}),
    ]
    SignUp.objects.create(email=ADDRESS, password="x", org_name="A")
    return [mail(folder, kind, to, **facts) for kind, to, facts in sent]


def test_every_letter_is_of_one_design(folder: Path) -> None:
    for letter in every_letter(folder):
        assert letter.text.startswith(letter.subject + "\n")
        assert f"Sent to {letter.to} by BatchRouter at {BASE}." in letter.text
        assert f"Sent to {letter.to} by BatchRouter at {BASE}." in letter.html
        assert "f it was not you" in letter.text or letter.subject.startswith(
            ("Invitation", "An API key")
        )
        # Nothing is loaded from anywhere, and every link is ours.
        assert not re.search(r"<(img|link|script|style|iframe)\b", letter.html)
        hosts = re.findall(r"https?://[\w.:]*\w", letter.html)
        assert set(hosts) == {BASE}
        # No leftovers of the templates.
        assert not re.search(r"[{}]%|\{\{|&#x27;|&amp;", letter.text)


def test_no_token_is_in_a_subject_or_at_rest(folder: Path) -> None:
    letters = every_letter(folder)
    tokens = [letter.token for letter in letters if letter.token]
    assert len(tokens) == 5
    with connection.cursor() as cursor:
        cursor.execute("SELECT mail_letter::text FROM mail_letter")
        rows = " ".join(row[0] for row in cursor.fetchall())
    assert "obt_" not in rows
    for token in tokens:
        assert token.rpartition(".")[2] not in rows
    assert not any("obt_" in letter.subject for letter in letters)


def test_links_are_made_from_the_settings(settings: Settings, folder: Path) -> None:
    settings.PUBLIC_BASE_URL = "https://batchrouter.example"
    UserFactory.create(email=ADDRESS)
    letter = mail(folder, "password_reset")
    assert "https://batchrouter.example/password/reset/confirm?token=" in letter.text
    assert BASE not in letter.text + letter.html


def test_a_letter_never_makes_a_user(folder: Path) -> None:
    make_invitation()
    users = User.objects.count()
    mail(folder, "invitation", invitation=Invitation.objects.get().public_id)
    assert User.objects.count() == users
