"""Forgotten and changed passwords end what was open before."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from accounts.models import Membership, User
from batchrouter.kit import clock
from tests.accounts.api.people import NEW_PASSWORD, anyone, by_token, login, member
from tests.factories.accounts import PASSWORD, make_key
from tests.support.api_client import ApiClient, error_of
from tests.support.mailbox import Mailbox

pytestmark = pytest.mark.django_db

RESET = "/v1/auth/password/reset"
CONFIRM = "/v1/auth/password/reset/confirm"
SESSION = "/v1/auth/session"
CHANGE = "/v1/auth/account/password"


def cookie_of(person: Membership) -> Client:
    browser = Client()
    body = {"email": person.user.email, "password": PASSWORD}
    assert browser.post("/v1/auth/login", body, "application/json").status_code == 200
    return browser


def reset(person: Membership, mailbox: Mailbox) -> str:
    assert anyone().post(RESET, {"email": person.user.email}).status_code == 202
    return mailbox.token(person.user.email)


def test_a_reset_ends_every_older_cookie_and_session_token(mailbox: Mailbox) -> None:
    person = member()
    cookies = [cookie_of(person) for _ in range(3)]
    tokens = [by_token(person) for _ in range(3)]
    assert all(each.get(SESSION).json()["session"] for each in cookies)
    assert all(each.get(SESSION).json()["session"] for each in tokens)
    token = reset(person, mailbox)
    reply = anyone().post(CONFIRM, {"token": token, "password": NEW_PASSWORD})
    assert reply.status_code == 200
    assert [each.get(SESSION).json() for each in cookies] == [{"session": None}] * 3
    assert [error_of(each.get(SESSION)) for each in tokens] == [
        (401, "invalid_session_token")
    ] * 3
    assert login(person.user.email).status_code == 401
    assert login(person.user.email, NEW_PASSWORD).status_code == 200


def test_keys_outlive_a_reset(mailbox: Mailbox) -> None:
    """They are the organization's; the account page offers to replace them."""
    person = member()
    key = ApiClient(make_key(person.org).secret)
    anyone().post(CONFIRM, {"token": reset(person, mailbox), "password": NEW_PASSWORD})
    assert key.get(SESSION).json()["session"]["actor_type"] == "api_key"


def test_an_unknown_address_gets_the_same_answer_and_no_mail(mailbox: Mailbox) -> None:
    known = anyone().post(RESET, {"email": member().user.email})
    unknown = anyone().post(RESET, {"email": "nobody@example.com"})
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())
    assert mailbox.letters("nobody@example.com") == []


def test_a_reset_token_works_once(mailbox: Mailbox) -> None:
    person = member()
    body = {"token": reset(person, mailbox), "password": NEW_PASSWORD}
    assert anyone().post(CONFIRM, body).status_code == 200
    again = {**body, "password": "yet another password"}
    assert error_of(anyone().post(CONFIRM, again)) == (400, "invalid_token")
    assert login(person.user.email, NEW_PASSWORD).status_code == 200


def test_a_reset_token_ends_after_an_hour(mailbox: Mailbox) -> None:
    person = member()
    token = reset(person, mailbox)
    with time_machine.travel(clock.now() + timedelta(hours=1, seconds=2)):
        reply = anyone().post(CONFIRM, {"token": token, "password": NEW_PASSWORD})
        assert error_of(reply) == (400, "invalid_token")
    assert login(person.user.email).status_code == 200


def test_a_weak_new_password_leaves_the_token_good(mailbox: Mailbox) -> None:
    person = member()
    token = reset(person, mailbox)
    reply = anyone().post(CONFIRM, {"token": token, "password": "qwertyuiop"})
    assert error_of(reply) == (400, "weak_password")
    assert reply.json()["error"]["details"]["reasons"] == ["password_too_common"]
    reply = anyone().post(CONFIRM, {"token": token, "password": NEW_PASSWORD})
    assert reply.status_code == 200


def test_a_reset_token_of_somebody_else_sets_only_their_password(
    mailbox: Mailbox,
) -> None:
    ada, eve = member(), member()
    token = reset(eve, mailbox).replace(eve.user.public_id, ada.user.public_id)
    reply = anyone().post(CONFIRM, {"token": token, "password": NEW_PASSWORD})
    assert error_of(reply) == (400, "invalid_token")
    assert login(ada.user.email).status_code == 200


def test_changing_a_password_keeps_this_cookie_and_ends_the_others() -> None:
    person = member()
    mine, other, agent = cookie_of(person), cookie_of(person), by_token(person)
    reply = mine.post(
        CHANGE,
        {"current_password": PASSWORD, "new_password": NEW_PASSWORD},
        "application/json",
    )
    assert reply.status_code == 200
    assert mine.get(SESSION).json()["session"]["user"]["email"] == person.user.email
    assert other.get(SESSION).json() == {"session": None}
    assert error_of(agent.get(SESSION))[0] == 401
    listed = mine.get("/v1/auth/account/sessions").json()["data"]
    assert [row["is_current"] for row in listed] == [True]


def test_changing_a_password_needs_the_present_one() -> None:
    person = member()
    reply = by_token(person).post(
        CHANGE, {"current_password": "not it at all", "new_password": NEW_PASSWORD}
    )
    assert error_of(reply) == (403, "wrong_password")
    assert login(person.user.email).status_code == 200


def test_a_key_changes_nobodys_password() -> None:
    key = ApiClient(make_key(member().org).secret)
    reply = key.post(
        CHANGE, {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    )
    assert error_of(reply) == (403, "session_required")


def test_a_changed_password_is_told_by_mail_without_the_password(
    mailbox: Mailbox,
) -> None:
    person = member()
    by_token(person).post(
        CHANGE, {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    )
    letter = mailbox.letters(person.user.email)[0]
    assert letter.subject == "Your BatchRouter password was changed"
    assert NEW_PASSWORD not in letter.text + letter.html


def test_the_link_names_our_own_address_whatever_host_asked(mailbox: Mailbox) -> None:
    person = member()
    visitor = Client(headers={"host": "localhost"})
    visitor.post(
        RESET,
        {"email": person.user.email},
        "application/json",
        headers={"X-Forwarded-Host": "evil.example"},
    )
    letter = mailbox.letters(person.user.email)[0]
    assert "http://127.0.0.1:8000/password/reset/confirm?token=" in letter.text
    assert "evil.example" not in letter.text + letter.html
    assert User.objects.count() == 1


def test_a_host_that_is_not_ours_is_refused() -> None:
    visitor = Client(headers={"host": "evil.example"}, raise_request_exception=False)
    reply = visitor.post(RESET, {"email": "a@example.com"}, "application/json")
    assert reply.status_code == 400
