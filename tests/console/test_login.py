"""Logging in and out."""

import pytest
from django.test import Client

from accounts.models import User
from tests.factories.accounts import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return UserFactory.create(email="ada@example.com")


def log_in(email: str, password: str, **more: str) -> tuple[int, str, str]:
    form = {"username": email, "password": password, **more}
    reply = Client().post("/login", form)
    return reply.status_code, reply.get("Location", ""), reply.content.decode()


@pytest.mark.usefixtures("user")
@pytest.mark.parametrize("email", ["ada@example.com", "Ada@Example.COM"])
def test_the_right_password_leads_in(email: str) -> None:
    assert log_in(email, PASSWORD)[:2] == (302, "/")


@pytest.mark.usefixtures("user")
def test_login_goes_on_to_the_page_asked_for() -> None:
    assert log_in("ada@example.com", PASSWORD, next="/billing")[1] == "/billing"


@pytest.mark.usefixtures("user")
@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example", "\\\\evil.example", "javascript:x"],
)
def test_login_never_leads_to_another_site(target: str) -> None:
    assert log_in("ada@example.com", PASSWORD, next=target)[:2] == (302, "/")


@pytest.mark.usefixtures("user")
def test_a_wrong_password_says_how_to_mend_it_and_keeps_the_email() -> None:
    status, _, body = log_in("ada@example.com", "wrong")
    assert status == 200
    assert "This email and password do not belong together." in body
    assert 'value="ada@example.com"' in body


@pytest.mark.usefixtures("user")
def test_an_unknown_email_gets_the_same_words() -> None:
    body = log_in("eve@example.com", "wrong")[2]
    assert "This email and password do not belong together." in body


def test_a_broken_email_is_named() -> None:
    body = log_in("ada", "x")[2]
    assert "Enter a whole email address, such as name@example.com." in body


def test_logout_ends_the_session(user: User) -> None:
    client = Client()
    client.force_login(user)
    assert client.post("/logout")["Location"] == "/"
    assert client.get("/batches").status_code == 302


def test_a_link_cannot_log_anybody_out(user: User) -> None:
    client = Client()
    client.force_login(user)
    assert client.get("/logout").status_code == 405


@pytest.mark.usefixtures("user")
def test_forms_of_other_sites_are_refused() -> None:
    client = Client(enforce_csrf_checks=True)
    form = {"username": "ada@example.com", "password": PASSWORD}
    assert client.post("/login", form).status_code == 403
