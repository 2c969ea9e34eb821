"""Signing up in the browser."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Org, SignUp, User
from tests.console.mail import letters_to, token_for
from tests.factories.accounts import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db

FORM = {"email": "Ada@Example.com", "password": PASSWORD, "org_name": "Ada's lab"}


def test_signing_up_says_to_look_into_the_mail() -> None:
    client = Client()
    reply = client.post("/signup", FORM, follow=True)
    body = reply.content.decode()
    assert reply.redirect_chain == [("/signup/sent", 302)]
    assert "Look into your mail" in body
    assert 'value="Ada@Example.com"' in body
    assert letters_to("ada@example.com") == ["sign_up"]


def test_a_known_address_gets_the_same_page() -> None:
    new = Client().post("/signup", FORM, follow=True)
    UserFactory.create(email="ada@example.com")
    known = Client().post("/signup", FORM, follow=True)
    assert new.redirect_chain == known.redirect_chain
    assert text(new).split() == text(known).split()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("email", "ada", "That is not an email address"),
        (
            "email",
            "\N{CYRILLIC SMALL LETTER A}da@example.com",
            "CYRILLIC SMALL LETTER A",
        ),
        ("email", "", "Enter an email address."),
        ("password", "short", "This password is too short."),
        ("password", "ada@example.com", "too similar to the email"),
        ("password", "password1234", "too common"),
        ("org_name", "x" * 121, "A name has 1 to 120 characters."),
    ],
    ids=["no-address", "confusable", "empty", "short", "similar", "common", "name"],
)
def test_what_is_wrong_stands_beside_its_field(
    field: str, value: str, words: str
) -> None:
    reply = Client().post("/signup", {**FORM, field: value})
    body = reply.content.decode()
    assert reply.status_code == 400
    assert words in body
    assert f'id="id_{field}_error"' in body
    assert not SignUp.objects.exists()


def test_what_was_typed_stays_but_not_the_password() -> None:
    body = Client().post("/signup", {**FORM, "email": "ada"}).content.decode()
    assert 'value="ada"' in body
    assert 'value="Ada&#x27;s lab"' in body
    assert PASSWORD not in body


def test_too_much_mail_is_held_off(settings: Any) -> None:
    settings.MAIL_PER_ADDRESS_HOURLY = 1
    assert Client().post("/signup", FORM).status_code == 302
    reply = Client().post("/signup", FORM)
    assert reply.status_code == 429
    assert "Too much mail was asked for." in reply.content.decode()


def test_where_no_mail_is_sent_nobody_signs_up(settings: Any) -> None:
    settings.MAIL_DIR, settings.RESEND_API_KEY = None, ""
    body = Client().get("/signup").content.decode()
    assert "Sign-up is closed on this server" in body
    assert "/signup" not in Client().get("/").content.decode()
    assert Client().post("/signup", FORM).status_code == 503
    assert not SignUp.objects.exists()


def test_strangers_are_offered_to_sign_up() -> None:
    assert 'href="/signup"' in Client().get("/").content.decode()
    assert 'href="/signup"' in Client().get("/login").content.decode()


def test_the_inbox_is_named_where_mail_stays_here(settings: Any) -> None:
    assert 'href="/dev/inbox"' in Client().get("/signup/sent").content.decode()
    settings.MAIL_DIR = None
    assert "/dev/inbox" not in Client().get("/signup/sent").content.decode()


def test_the_mail_can_be_asked_for_again() -> None:
    client = Client()
    client.post("/signup", FORM)
    reply = client.post("/signup/resend", {"email": "ada@example.com"})
    assert reply["Location"] == "/signup/sent"
    assert letters_to("ada@example.com") == ["sign_up", "sign_up_again"]


def test_following_the_link_confirms_nothing() -> None:
    Client().post("/signup", FORM)
    reply = Client().get("/signup/confirm", {"token": token_for("ada@example.com")})
    assert "Confirm my address" in reply.content.decode()
    assert not User.objects.exists()


def test_the_button_opens_the_account() -> None:
    Client().post("/signup", FORM)
    client = Client()
    token = token_for("ada@example.com")
    reply = client.post("/signup/confirm", {"token": token}, follow=True)
    assert reply.redirect_chain == [("/login", 302)]
    assert "your account is open" in reply.content.decode()
    assert Org.objects.get().name == "Ada's lab"
    client.post("/login", {"login": "ada@example.com", "password": PASSWORD})
    assert "Ada&#x27;s lab" in client.get("/").content.decode()


def test_the_wanted_page_is_kept_until_the_login() -> None:
    client = Client()
    client.get("/signup", {"next": "/batches/new?workflow=summarize-calls"})
    client.post("/signup", FORM)
    token = token_for("ada@example.com")
    login = client.post("/signup/confirm", {"token": token})["Location"]
    assert login == "/login?next=%2Fbatches%2Fnew%3Fworkflow%3Dsummarize-calls"
    page = client.get(login).context["next_url"]
    form = {"login": "ada@example.com", "password": PASSWORD, "next": page}
    assert client.post("/login", form)["Location"] == page
    assert page == "/batches/new?workflow=summarize-calls"


@pytest.mark.parametrize("page", ["https://evil.example/", "//evil.example", "x:y"])
def test_no_page_of_another_site_is_kept(page: str) -> None:
    client = Client()
    client.get("/signup", {"next": page})
    client.post("/signup", FORM)
    token = token_for("ada@example.com")
    assert client.post("/signup/confirm", {"token": token})["Location"] == "/login"


def test_a_used_token_is_refused() -> None:
    Client().post("/signup", FORM)
    token = token_for("ada@example.com")
    Client().post("/signup/confirm", {"token": token})
    reply = Client().post("/signup/confirm", {"token": token})
    assert reply.status_code == 400
    assert "This token is not valid" in reply.content.decode()
    assert User.objects.count() == 1


def test_without_a_link_the_token_can_be_typed() -> None:
    body = Client().get("/signup/confirm").content.decode()
    assert "Token from the mail" in body


def test_somebody_logged_in_has_signed_up_already() -> None:
    client = Client()
    client.force_login(UserFactory.create())
    assert client.get("/signup")["Location"] == "/"


def text(reply: Any) -> str:
    """Return what a page shows, without its one-time tokens."""
    lines = reply.content.decode().splitlines()
    return "\n".join(line for line in lines if "csrfmiddlewaretoken" not in line)
