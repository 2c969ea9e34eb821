"""Setting a forgotten password anew, and changing one."""

import pytest
from django.test import Client

from accounts.models import SessionToken, User
from accounts.session_tokens import issue_token
from batchrouter.kit import clock
from tests.console.mail import letters_to, token_for
from tests.factories.accounts import PASSWORD, MembershipFactory

pytestmark = pytest.mark.django_db

NEW = "another horse battery staple"


@pytest.fixture
def user() -> User:
    return MembershipFactory.create(user__email="ada@example.com").user


def log_in(user: User, password: str = PASSWORD) -> Client:
    client = Client()
    client.post("/login", {"login": user.email, "password": password})
    return client


def is_in(client: Client) -> bool:
    return client.get("/account").status_code == 200


def test_a_known_and_an_unknown_address_get_the_same_page(user: User) -> None:
    known = Client().post("/password/reset", {"email": user.email}, follow=True)
    unknown = Client().post("/password/reset", {"email": "eve@x.example"}, follow=True)
    assert (
        known.redirect_chain
        == unknown.redirect_chain
        == [("/password/reset/sent", 302)]
    )
    shown = unknown.content.decode().replace("eve@x.example", user.email)
    assert known.content.decode() == shown


def test_a_broken_address_is_named_and_kept() -> None:
    reply = Client().post("/password/reset", {"email": "ada"})
    assert reply.status_code == 400
    assert "That is not an email address" in reply.content.decode()
    assert 'value="ada"' in reply.content.decode()


def test_following_the_link_changes_nothing(user: User) -> None:
    token = ask_for_token(user)
    assert Client().get("/password/reset/confirm", {"token": token}).status_code == 200
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_a_reset_sets_the_password_once(user: User) -> None:
    token = ask_for_token(user)
    form = {"token": token, "password": NEW}
    assert Client().post("/password/reset/confirm", form)["Location"] == "/login"
    assert is_in(log_in(user, NEW))
    assert not is_in(log_in(user))
    again = Client().post("/password/reset/confirm", {**form, "password": NEW + "!"})
    assert again.status_code == 400
    assert is_in(log_in(user, NEW))


def test_a_reset_ends_every_session(user: User) -> None:
    browsers = [log_in(user) for _ in range(3)]
    issue_token(user=user, org=None, ip=None, user_agent="", now=clock.now())
    token = ask_for_token(user)
    Client().post("/password/reset/confirm", {"token": token, "password": NEW})
    assert [is_in(browser) for browser in browsers] == [False, False, False]
    assert not SessionToken.objects.exists()


def test_a_weak_password_is_refused_beside_its_field(user: User) -> None:
    token = ask_for_token(user)
    reply = Client().post(
        "/password/reset/confirm", {"token": token, "password": "short"}
    )
    assert reply.status_code == 400
    assert 'id="id_password_error"' in reply.content.decode()
    assert f'value="{token}"' in reply.content.decode()
    assert is_in(log_in(user))


def test_a_change_keeps_this_session_and_ends_the_others(user: User) -> None:
    here, there = log_in(user), log_in(user)
    form = {"current_password": PASSWORD, "new_password": NEW}
    reply = here.post("/account/password", form, follow=True)
    assert "All your other sessions are ended." in reply.content.decode()
    assert is_in(here)
    assert not is_in(there)
    assert "this one" in here.get("/account/sessions").content.decode()
    assert letters_to(user.email) == ["password_changed"]


def test_a_change_asks_for_the_present_password(user: User) -> None:
    here = log_in(user)
    form = {"current_password": "a guess of it", "new_password": NEW}
    reply = here.post("/account/password", form)
    body = reply.content.decode()
    assert reply.status_code == 403
    assert 'id="password-current_password_error"' in body
    assert "a guess of it" not in body
    assert NEW not in body
    assert is_in(log_in(user))


def ask_for_token(user: User) -> str:
    Client().post("/password/reset", {"email": user.email})
    return token_for(user.email)
