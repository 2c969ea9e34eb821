"""Logging in and out."""

import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.sign_up import ask_to_sign_up
from batchrouter.kit import clock
from tests.factories.accounts import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db

OUTSIDE = {
    "https": "https://evil.example/",
    "no-scheme": "//evil.example",
    "three-slashes": "///evil.example",
    "backslashes": "\\\\evil.example",
    "slash-backslash": "/\\evil.example",
    "scheme-only": "https:evil.example",
    "script": "javascript:alert(1)",
    "script-mixed": "JaVaScRiPt:alert(1)",
    "data": "data:text/html,x",
    "tab": "/\t/evil.example",
    "newline": "\n//evil.example",
    "user": "https://127.0.0.1@evil.example/",
    "suffix": "https://testserver.evil.example/",
}


@pytest.fixture
def user() -> User:
    return UserFactory.create(email="ada@example.com")


def log_in(email: str, password: str, **more: str) -> tuple[int, str, str]:
    form = {"login": email, "password": password, **more}
    reply = Client().post("/login", form)
    return reply.status_code, reply.get("Location", ""), reply.content.decode()


@pytest.mark.usefixtures("user")
@pytest.mark.parametrize("email", ["ada@example.com", "Ada@Example.COM"])
def test_the_right_password_leads_in(email: str) -> None:
    assert log_in(email, PASSWORD)[:2] == (302, "/")


@pytest.mark.usefixtures("user")
def test_login_gives_the_session_another_key() -> None:
    client = Client()
    client.get("/login")
    client.session.save()
    before = client.session.session_key
    client.post("/login", {"login": "ada@example.com", "password": PASSWORD})
    assert client.session.session_key != before


@pytest.mark.usefixtures("user")
def test_login_goes_on_to_the_page_asked_for() -> None:
    assert log_in("ada@example.com", PASSWORD, next="/billing")[1] == "/billing"


@pytest.mark.usefixtures("user")
@pytest.mark.parametrize("target", OUTSIDE.values(), ids=OUTSIDE)
def test_login_never_leads_to_another_site(target: str) -> None:
    assert log_in("ada@example.com", PASSWORD, next=target)[:2] == (302, "/")


@pytest.mark.parametrize("target", OUTSIDE.values(), ids=OUTSIDE)
def test_the_form_never_carries_another_site(target: str) -> None:
    body = Client().get("/login", {"next": target}).content.decode()
    assert 'name="next"' not in body


@pytest.mark.usefixtures("user")
def test_a_wrong_password_says_how_to_mend_it_and_keeps_the_email() -> None:
    status, _, body = log_in("ada@example.com", "not this one")
    assert status == 200
    assert "This email and password do not belong together." in body
    assert 'value="ada@example.com"' in body
    assert "not this one" not in body


@pytest.mark.usefixtures("user")
def test_an_unknown_email_gets_the_same_page() -> None:
    known = log_in("ada@example.com", "wrong")[2]
    unknown = log_in("eve@example.com", "wrong")[2].replace("eve@", "ada@")
    assert without_tokens(known) == without_tokens(unknown)


def test_a_broken_email_is_named() -> None:
    body = log_in("ada", "x")[2]
    assert "Enter a whole email address, such as name@example.com." in body


def test_a_field_in_error_is_tied_to_its_words() -> None:
    body = log_in("ada", "x")[2]
    field = re.search(r"<input[^>]+name=\"login\"[^>]*>", body)
    assert field is not None
    assert 'aria-invalid="true"' in field[0]
    assert 'aria-describedby="id_login_error"' in field[0]
    assert 'id="id_login_error"' in body
    assert 'role="alert"' in body


def test_an_open_sign_up_offers_its_mail_again() -> None:
    sign_up("new@example.com")
    body = log_in("new@example.com", PASSWORD)[2]
    assert "This address is not confirmed yet." in body
    assert 'action="/signup/resend"' in body


def test_an_open_sign_up_is_told_to_whoever_has_the_password_only() -> None:
    sign_up("new@example.com")
    body = log_in("new@example.com", "another password")[2]
    assert "not confirmed" not in body
    assert "This email and password do not belong together." in body


@pytest.mark.usefixtures("user")
def test_too_many_attempts_are_held_off(settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "2/5m/key"}
    for _ in range(2):
        assert log_in("ada@example.com", "wrong")[0] == 200
    status, _, body = log_in("ada@example.com", PASSWORD)
    assert status == 429
    assert "Too many attempts to log in." in body


def test_logins_of_one_client_are_bounded(settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login": "1/m/ip"}
    assert Client().post("/login", {}).status_code == 200
    reply = Client().post("/login", {})
    assert reply.status_code == 429
    assert "That was too often" in reply.content.decode()


def test_logout_ends_the_session(user: User) -> None:
    client = Client()
    client.force_login(user)
    assert client.post("/logout")["Location"] == "/"
    assert client.get("/batches").status_code == 302


def test_a_link_cannot_log_anybody_out(user: User) -> None:
    client = Client()
    client.force_login(user)
    assert client.get("/logout").status_code == 405


@pytest.mark.parametrize("target", OUTSIDE.values(), ids=OUTSIDE)
def test_logout_never_leads_to_another_site(target: str, user: User) -> None:
    client = Client()
    client.force_login(user)
    assert client.post("/logout", {"next": target})["Location"] == "/"


def sign_up(email: str) -> None:
    ask_to_sign_up(email=email, password=PASSWORD, ip=None, now=clock.now())


def without_tokens(body: str) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", body)
