"""Two-factor login in the browser."""

import re
import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
)
from django.test import Client

from accounts.models import User
from tests.console.mail import letters_to
from tests.factories.accounts import PASSWORD, MembershipFactory

pytestmark = pytest.mark.django_db

PERIOD_SECONDS = 30


@pytest.fixture
def user() -> User:
    return MembershipFactory.create(user__email="ada@example.com").user


@pytest.fixture
def browser(user: User) -> Client:
    """Logged in, and shown just now to be the person still."""
    client = Client()
    client.post("/login", {"login": user.email, "password": PASSWORD})
    client.post("/account/reauthenticate", {"password": PASSWORD})
    return client


def code_of(secret: str) -> str:
    """Return the code of this moment, with at least three seconds left."""
    left = PERIOD_SECONDS - time.time() % PERIOD_SECONDS
    if left < 3:
        time.sleep(left)
    counter = int(time.time()) // PERIOD_SECONDS
    return str(format_hotp_value(hotp_value(secret, counter)))


def switch_on(user: User) -> str:
    """Give a user a second factor; return a recovery code."""
    TOTP.activate(user, generate_totp_secret())
    codes = RecoveryCodes.activate(user).get_unused_codes()
    return str(codes[0])


def test_setting_up_asks_whether_it_is_still_you(user: User) -> None:
    client = Client()
    client.post("/login", {"login": user.email, "password": PASSWORD})
    reply = client.get("/account/two-factor/activate")
    assert reply["Location"].startswith("/account/reauthenticate?next=")
    page = client.get(reply["Location"])
    assert "Is it still you?" in page.content.decode()
    wrong = client.post(reply["Location"], {"password": "a guess of it"})
    assert "Incorrect password." in wrong.content.decode()
    right = client.post(reply["Location"], {"password": PASSWORD})
    assert right["Location"] == "/account/two-factor/activate"


def test_the_secret_is_there_as_picture_and_as_text(browser: Client) -> None:
    body = browser.get("/account/two-factor/activate").content.decode()
    assert 'src="data:image/svg+xml;base64,' in body
    assert re.search(r"\b[A-Z2-7]{32}\b", body) is not None


def test_a_right_code_switches_it_on(
    browser: Client, user: User, django_capture_on_commit_callbacks: Any
) -> None:
    body = browser.get("/account/two-factor/activate").content.decode()
    found = re.search(r"\b[A-Z2-7]{32}\b", body)
    assert found is not None
    with django_capture_on_commit_callbacks(execute=True):
        reply = browser.post(
            "/account/two-factor/activate", {"code": code_of(found[0])}
        )
    assert reply["Location"] == "/account/two-factor/recovery-codes"
    codes = browser.get(reply["Location"]).content.decode()
    assert codes.count('<li class="id">') == 10
    assert letters_to(user.email) == ["second_factor_changed"]


def test_a_wrong_code_switches_nothing_on(browser: Client, user: User) -> None:
    browser.get("/account/two-factor/activate")
    reply = browser.post("/account/two-factor/activate", {"code": "000000x"})
    assert 'id="id_code_error"' in reply.content.decode()
    assert not Authenticator.objects.filter(user=user).exists()


def test_login_goes_on_with_a_code(user: User) -> None:
    code = switch_on(user)
    client = Client()
    form = {"login": user.email, "password": PASSWORD, "next": "/billing"}
    assert client.post("/login", form)["Location"] == "/login/code"
    assert client.get("/account").status_code == 302
    page = client.get("/login/code").content.decode()
    assert 'autocomplete="one-time-code"' in page
    assert client.post("/login/code", {"code": code})["Location"] == "/billing"
    assert client.get("/account").status_code == 200


def test_a_wrong_code_leads_nowhere(user: User) -> None:
    switch_on(user)
    client = Client()
    client.post("/login", {"login": user.email, "password": PASSWORD})
    reply = client.post("/login/code", {"code": "000000x"})
    assert "Incorrect code." in reply.content.decode()
    assert client.get("/account").status_code == 302


def test_somebody_else_can_log_in_in_place_of_the_code(user: User) -> None:
    switch_on(user)
    client = Client()
    client.post("/login", {"login": user.email, "password": PASSWORD})
    assert client.post("/logout", {"next": "/login"})["Location"] == "/login"
    assert client.get("/login").status_code == 200
    assert client.get("/login/code")["Location"] == "/login"


def test_nobody_gets_to_the_code_without_a_password(user: User) -> None:
    switch_on(user)
    assert Client().get("/login/code")["Location"] == "/login"


def test_switching_off_asks_first_and_tells_by_mail(
    browser: Client, user: User
) -> None:
    switch_on(user)
    assert (
        "Switch it off"
        in browser.get("/account/two-factor/deactivate").content.decode()
    )
    assert Authenticator.objects.filter(user=user).count() == 2
    browser.post("/account/two-factor/deactivate")
    assert not Authenticator.objects.filter(user=user).exists()
    assert letters_to(user.email) == ["second_factor_changed"]


def test_new_recovery_codes_make_the_old_ones_void(browser: Client, user: User) -> None:
    old = switch_on(user)
    browser.post("/account/two-factor/recovery-codes/generate")
    text = browser.get("/account/two-factor/recovery-codes/download")
    assert text["Content-Type"].startswith("text/plain")
    assert len(text.content.decode().split()) == 10
    assert old not in text.content.decode()
    assert letters_to(user.email) == []


@pytest.mark.parametrize(
    "path",
    ["", "/activate", "/deactivate", "/recovery-codes", "/recovery-codes/generate"],
)
def test_pages_of_the_second_factor_are_never_cached(
    path: str, browser: Client, user: User
) -> None:
    if path != "/activate":
        switch_on(user)
    reply = browser.get(f"/account/two-factor{path}")
    assert reply.status_code == 200
    assert "no-store" in reply["Cache-Control"]


def test_a_code_can_stand_for_the_password_when_asked_again(user: User) -> None:
    code = switch_on(user)
    client = Client()
    client.force_login(user)
    reply = client.get("/account/two-factor/recovery-codes/generate")
    body = client.get(reply["Location"]).content.decode()
    assert "/account/reauthenticate/code?next=" in body
    path = "/account/reauthenticate/code?next=/account"
    assert client.post(path, {"code": code})["Location"] == "/account"
