"""The page of sessions."""

import re

import pytest
from django.test import Client

from accounts.models import SessionToken, User
from accounts.session_tokens import issue_token
from batchrouter.kit import clock
from console.presenters.sessions import device_words
from tests.console.mail import NASTY, is_inert
from tests.factories.accounts import PASSWORD, MembershipFactory

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15"


@pytest.fixture
def user(db: None) -> User:
    return MembershipFactory.create().user


def log_in(user: User, user_agent: str = FIREFOX) -> Client:
    client = Client(headers={"user-agent": user_agent})
    client.post("/login", {"login": user.email, "password": PASSWORD})
    return client


def is_in(client: Client) -> bool:
    return client.get("/account").status_code == 200


def test_sessions_are_listed_with_device_and_place(user: User) -> None:
    body = log_in(user).get("/account/sessions").content.decode()
    assert "Firefox on Linux" in body
    assert "127.0.0.1" in body
    assert body.count("this one") == 1
    assert "/end" not in body


def test_another_session_is_ended_by_itself(user: User) -> None:
    here, there, third = log_in(user), log_in(user, "curl/8.1"), log_in(user)
    body = here.get("/account/sessions").content.decode()
    entry = body[body.index("curl") :]
    found = re.search(r'action="(/account/sessions/sess_[^"]+/end)"', entry)
    assert found is not None
    here.post(found[1])
    assert [is_in(each) for each in (here, there, third)] == [True, False, True]


def test_all_others_are_ended_at_once(user: User) -> None:
    here, there = log_in(user), log_in(user)
    issue_token(user=user, org=None, ip=None, user_agent="bot", now=clock.now())
    reply = here.post("/account/sessions/end-others", follow=True)
    assert "2 other sessions are ended." in reply.content.decode()
    assert [is_in(here), is_in(there)] == [True, False]
    assert not SessionToken.objects.exists()


def test_sessions_of_others_are_nobodys(user: User) -> None:
    stranger = MembershipFactory.create().user
    made = issue_token(user=stranger, org=None, ip=None, user_agent="", now=clock.now())
    path = f"/account/sessions/{made.row.public_id}/end"
    assert log_in(user).post(path).status_code == 404
    assert SessionToken.objects.filter(pk=made.row.pk).exists()


@pytest.mark.parametrize("agent", NASTY.values(), ids=NASTY)
def test_names_of_programs_are_inert(agent: str, user: User) -> None:
    body = log_in(user, agent).get("/account/sessions").content.decode()
    assert is_inert(body, agent)


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        (f"Mozilla/5.0 (Windows NT 10.0) {CHROME} Edg/142.0.0.0", "Edge on Windows"),
        (f"Mozilla/5.0 (Linux; Android 10; K) {CHROME}", "Chrome on Android"),
        (f"Mozilla/5.0 (iPhone; like Mac OS X) {SAFARI}", "Safari on iPhone"),
        (f"Mozilla/5.0 (Macintosh; Mac OS X) {SAFARI}", "Safari on macOS"),
        ("curl/8.1.2", "curl"),
        ("python-requests/2.34", "Python"),
        ("something else", "something else"),
        ("", "An unnamed program"),
    ],
    ids=[
        "firefox",
        "edge",
        "android",
        "iphone",
        "mac",
        "curl",
        "python",
        "unknown",
        "empty",
    ],
)
def test_devices_are_named_in_plain_words(user_agent: str, words: str) -> None:
    assert device_words(user_agent) == words
