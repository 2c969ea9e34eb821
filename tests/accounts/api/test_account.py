"""The account: its facts, its name, its person's address, where they are logged in."""

import pytest
from django.test import Client

from accounts.models import Membership, Org, SessionToken, User
from tests.accounts.api.people import anyone, by_token, login, member
from tests.factories.accounts import PASSWORD, make_key
from tests.factories.billing import funded_org
from tests.support.api_client import ApiClient, error_of
from tests.support.mailbox import Mailbox

pytestmark = pytest.mark.django_db

ACCOUNT = "/v1/auth/account"
EMAIL = "/v1/auth/account/email"
SESSIONS = "/v1/auth/account/sessions"


def test_the_account_shows_plan_and_credits() -> None:
    key = ApiClient(make_key(funded_org(usd=12), scopes=["read"]).secret)
    account = key.get(ACCOUNT).json()
    assert account["plan"] == {"name": "prepaid", "currency": "usd"}
    assert account["credit_balance"]["available"] == {
        "amount": "12.00",
        "currency": "usd",
    }


def test_an_organization_is_renamed_by_who_may_administer() -> None:
    person = member()
    assert by_token(person).patch(ACCOUNT, {"name": " New name "}).status_code == 200
    assert Org.objects.get().name == "New name"


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_others_cannot_rename_it(role: str) -> None:
    person = member(role=role)
    name = person.org.name
    reply = by_token(person).patch(ACCOUNT, {"name": "Mine now"})
    assert error_of(reply) == (403, "scope_required")
    assert Org.objects.get().name == name


@pytest.mark.parametrize("name", ["", "   ", "x" * 121, "a\nb", "a\u0007b", 7])
def test_a_bad_name_is_refused(name: object) -> None:
    person = member()
    reply = by_token(person).patch(ACCOUNT, {"name": name})
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == "name"
    assert Org.objects.get().name == person.org.name


def test_an_address_changes_once_its_new_owner_confirms(mailbox: Mailbox) -> None:
    person = member()
    old = person.user.email
    assert by_token(person).post(EMAIL, {"email": "New@Example.com"}).status_code == 202
    assert User.objects.get().email == old
    token = mailbox.token("new@example.com")
    reply = anyone().post(f"{EMAIL}/confirm", {"token": token})
    assert reply.json()["user"]["email"] == "new@example.com"
    assert login("new@example.com").status_code == 200
    assert login(old).status_code == 401
    assert "changed" in mailbox.letters(old)[0].subject
    again = anyone().post(f"{EMAIL}/confirm", {"token": token})
    assert error_of(again) == (400, "invalid_token")


def test_a_taken_address_is_not_told_and_not_given(mailbox: Mailbox) -> None:
    ada, eve = member(), member()
    reply = by_token(eve).post(EMAIL, {"email": ada.user.email})
    assert reply.status_code == 202
    assert mailbox.letters(ada.user.email) == []
    assert User.objects.filter(email=ada.user.email).get() == ada.user


def test_an_address_that_is_taken_meanwhile_is_refused(mailbox: Mailbox) -> None:
    person = member()
    by_token(person).post(EMAIL, {"email": "wanted@example.com"})
    token = mailbox.token("wanted@example.com")
    User.objects.create_user("wanted@example.com")
    reply = anyone().post(f"{EMAIL}/confirm", {"token": token})
    assert error_of(reply) == (409, "address_taken")
    person.user.refresh_from_db()
    assert person.user.email != "wanted@example.com"


def test_sessions_of_both_kinds_are_listed_this_one_first() -> None:
    person = member()
    browser = Client(headers={"user-agent": "Firefox on Debian"})
    body = {"email": person.user.email, "password": PASSWORD}
    browser.post("/v1/auth/login", body, "application/json")
    by_token(person)
    listed = browser.get(SESSIONS).json()["data"]
    assert [(row["kind"], row["is_current"]) for row in listed] == [
        ("cookie", True),
        ("token", False),
    ]
    assert listed[0]["user_agent"] == "Firefox on Debian"
    assert listed[0]["ip"] == "127.0.0.1"
    assert listed[1]["ip"] == "192.0.2.7"
    assert str(browser.session.session_key) not in str(listed)


def test_one_session_is_ended() -> None:
    person = member()
    mine, other = by_token(person), by_token(person)
    listed = mine.get(SESSIONS).json()["data"]
    assert mine.delete(f"{SESSIONS}/{listed[1]['id']}").status_code == 204
    assert error_of(other.get(ACCOUNT))[0] == 401
    assert mine.get(ACCOUNT).status_code == 200


def test_a_cookie_is_ended_from_elsewhere() -> None:
    person = member()
    browser = Client()
    body = {"email": person.user.email, "password": PASSWORD}
    browser.post("/v1/auth/login", body, "application/json")
    agent = by_token(person)
    (cookie,) = (
        row for row in agent.get(SESSIONS).json()["data"] if row["kind"] == "cookie"
    )
    assert agent.delete(f"{SESSIONS}/{cookie['id']}").status_code == 204
    assert browser.get("/v1/auth/session").json() == {"session": None}


def test_all_other_sessions_are_ended() -> None:
    person = member()
    mine, other = by_token(person), by_token(person)
    browser = Client()
    body = {"email": person.user.email, "password": PASSWORD}
    browser.post("/v1/auth/login", body, "application/json")
    assert mine.delete(SESSIONS).json() == {"ended": 2}
    assert error_of(other.get(ACCOUNT))[0] == 401
    assert browser.get("/v1/auth/session").json() == {"session": None}
    assert mine.get(ACCOUNT).status_code == 200


def test_a_session_of_somebody_else_is_not_found() -> None:
    person, stranger = member(), member()
    theirs = by_token(person)
    session_id = theirs.get(SESSIONS).json()["data"][0]["id"]
    assert error_of(by_token(stranger).delete(f"{SESSIONS}/{session_id}"))[0] == 404
    assert theirs.get(ACCOUNT).status_code == 200


def test_a_key_has_no_sessions() -> None:
    key = ApiClient(make_key(member().org).secret)
    assert error_of(key.get(SESSIONS)) == (403, "session_required")


def test_the_account_of_a_suspended_organization_is_closed() -> None:
    person: Membership = member(org__is_suspended=True)
    assert login(person.user.email).status_code == 401
    assert not SessionToken.objects.exists()
