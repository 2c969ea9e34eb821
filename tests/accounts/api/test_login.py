"""Logging in: by cookie or token, with and without a second factor."""

from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from allauth.mfa.utils import decrypt
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import Org, SessionToken, User
from batchrouter.kit import clock
from tests.accounts.api.people import (
    EMAIL,
    anyone,
    by_token,
    login,
    member,
    register,
)
from tests.factories.accounts import PASSWORD, MembershipFactory, make_key
from tests.support.api_client import ApiClient, error_of
from tests.support.mailbox import Mailbox

pytestmark = pytest.mark.django_db

LOGIN = "/v1/auth/login"
SESSION = "/v1/auth/session"
JSON = "application/json"


def code_of(user: User) -> str:
    """Return the code that an app shows now."""
    factor = Authenticator.objects.get(user=user, type=Authenticator.Type.TOTP)
    counter = next(yield_hotp_counters_from_time())
    return str(format_hotp_value(hotp_value(decrypt(factor.data["secret"]), counter)))


def test_logging_in_by_cookie_opens_a_session_with_a_new_key() -> None:
    person = member()
    browser = Client()
    browser.get("/login")
    before = browser.session.session_key
    body = {"email": person.user.email, "password": PASSWORD}
    reply = browser.post(LOGIN, body, JSON)
    assert reply.status_code == 200
    assert browser.session.session_key not in {None, before}
    assert "session_token" not in reply.json()
    session = browser.get(SESSION).json()["session"]
    assert session["actor_type"] == "user"
    assert session["auth_method"] == "session"
    assert session["user"]["id"] == person.user.public_id
    assert session["org"]["id"] == person.org.public_id
    assert session["role"] == "owner"
    assert session["capabilities"] == [
        "admin",
        "billing",
        "cancel",
        "quote",
        "read",
        "submit",
    ]


def test_logging_in_for_a_token_sets_no_cookie() -> None:
    person = member()
    reply = login(person.user.email, issue_token=True)
    assert reply.status_code == 200
    assert "sessionid" not in reply.cookies
    secret = reply.json()["session_token"]
    assert secret.startswith("obs_")
    session = ApiClient(secret).get(SESSION).json()["session"]
    assert session["auth_method"] == "session_token"
    assert session["user"]["email"] == person.user.email


def test_nobody_has_no_session() -> None:
    assert anyone().get(SESSION).json() == {"session": None}


def test_a_key_says_whose_it_is() -> None:
    made = make_key(member().org, scopes=["read"])
    session = ApiClient(made.secret).get(SESSION).json()["session"]
    assert session["actor_type"] == "api_key"
    assert session["user"] is None
    assert session["api_key"]["id"] == made.row.public_id
    assert session["capabilities"] == ["read"]


def test_a_token_is_stored_as_a_digest_only() -> None:
    secret = login(member().user.email, issue_token=True).json()["session_token"]
    row = SessionToken.objects.get()
    assert secret not in str(vars(row))
    assert len(bytes(row.digest)) == 32


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("nobody@example.com", PASSWORD),
        ("known", "wrong password"),
        ("known", "x" * 5000),
    ],
    ids=["unknown address", "wrong password", "over-long password"],
)
def test_a_wrong_pair_has_one_answer(email: str, password: str) -> None:
    known = member().user.email
    reply = login(known if email == "known" else email, password)
    if len(password) > 2000:
        assert reply.status_code == 400
    else:
        assert error_of(reply) == (401, "invalid_credentials")
    assert not SessionToken.objects.exists()


def test_a_closed_account_answers_like_a_wrong_password() -> None:
    user = member(user__is_active=False).user
    assert error_of(login(user.email)) == (401, "invalid_credentials")


def test_an_unconfirmed_sign_up_is_told_only_with_the_right_password(
    mailbox: Mailbox,
) -> None:
    register(mailbox)
    assert error_of(login(EMAIL)) == (403, "email_not_verified")
    assert error_of(login(EMAIL, "wrong password")) == (401, "invalid_credentials")


def test_the_address_may_be_written_in_capitals() -> None:
    person = member()
    assert login(person.user.email.upper()).status_code == 200


def test_too_many_failures_for_one_address_are_slowed_down(settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login": "100/m/ip", "login_failed": "2/5m/key"}
    email = member().user.email
    for _ in range(2):
        assert error_of(login(email, "wrong password"))[0] == 401
    refused = login(email)
    assert error_of(refused) == (429, "rate_limited")
    assert refused["Retry-After"] == "300"
    assert login(member().user.email).status_code == 200


@pytest.fixture
def careful() -> User:
    """A person with an app that shows codes."""
    user = member().user
    TOTP.activate(user, generate_totp_secret())
    RecoveryCodes.activate(user)
    return user


def test_a_second_factor_is_asked_for(careful: User) -> None:
    assert error_of(login(careful.email)) == (401, "second_factor_required")
    assert error_of(login(careful.email, "wrong password", code=code_of(careful))) == (
        401,
        "invalid_credentials",
    )
    assert login(careful.email, code=code_of(careful)).status_code == 200


def test_a_code_works_once(careful: User) -> None:
    code = code_of(careful)
    assert login(careful.email, code=code, issue_token=True).status_code == 200
    assert error_of(login(careful.email, code=code)) == (401, "invalid_code")


def test_a_recovery_code_works_once(careful: User) -> None:
    factor = Authenticator.objects.get(
        user=careful, type=Authenticator.Type.RECOVERY_CODES
    )
    code = factor.wrap().get_unused_codes()[0]
    assert login(careful.email, code=code).status_code == 200
    assert error_of(login(careful.email, code=code)) == (401, "invalid_code")


def test_the_secret_of_a_second_factor_is_encrypted_at_rest(careful: User) -> None:
    factor = Authenticator.objects.get(user=careful, type=Authenticator.Type.TOTP)
    assert factor.data["secret"].startswith("gAAAA")


def test_a_token_ends_with_the_days_that_are_set(settings: Settings) -> None:
    settings.SESSION_TOKEN_DAYS = 2
    agent = by_token(member())
    assert agent.get("/v1/auth/account").status_code == 200
    with time_machine.travel(clock.now() + timedelta(days=2)):
        assert error_of(agent.get("/v1/auth/account")) == (401, "invalid_session_token")


def test_logging_out_ends_the_token() -> None:
    agent = by_token(member())
    assert agent.post("/v1/auth/logout").status_code == 204
    assert error_of(agent.get("/v1/auth/account")) == (401, "invalid_session_token")


def test_logging_out_ends_the_cookie() -> None:
    browser = Client()
    browser.force_login(member().user)
    assert browser.post("/v1/auth/logout", {}, JSON).status_code == 204
    assert browser.get(SESSION).json() == {"session": None}


def test_logging_out_by_cookie_needs_the_csrf_token() -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(member().user)
    assert browser.post("/v1/auth/logout", {}, JSON).status_code == 403
    assert browser.get(SESSION).json()["session"] is not None


def test_the_csrf_token_of_the_login_opens_unsafe_calls_by_cookie() -> None:
    person = member()
    browser = Client(enforce_csrf_checks=True)
    body = {"email": person.user.email, "password": PASSWORD}
    token = browser.post(LOGIN, body, JSON).json()["csrf_token"]
    path = "/v1/auth/account"
    refused = browser.patch(path, {"name": "Renamed"}, JSON)
    assert refused.status_code == 403
    sent = browser.patch(
        path, {"name": "Renamed"}, JSON, headers={"X-CSRFToken": token}
    )
    assert sent.status_code == 200
    assert Org.objects.get().name == "Renamed"


def test_a_person_acts_for_the_organization_they_choose() -> None:
    person = member()
    other = MembershipFactory.create(user=person.user, role="viewer")
    agent = by_token(person)
    assert agent.get("/v1/auth/account").json()["org"]["id"] == person.org.public_id
    switched = agent.patch(SESSION, {"org_id": other.org.public_id})
    assert switched.json()["session"]["role"] == "viewer"
    assert agent.get("/v1/auth/account").json()["org"]["id"] == other.org.public_id
    assert (
        login(person.user.email, org_id=other.org.public_id).json()["session"]["org"][
            "id"
        ]
        == other.org.public_id
    )


def test_nobody_acts_for_an_organization_that_is_not_theirs() -> None:
    person, stranger = member(), member()
    agent = by_token(person)
    reply = agent.patch(SESSION, {"org_id": stranger.org.public_id})
    assert error_of(reply) == (404, "not_found")
    assert agent.get("/v1/auth/account").json()["org"]["id"] == person.org.public_id


def test_who_was_removed_is_refused_at_the_next_call() -> None:
    person = member()
    agent = by_token(person)
    person.delete()
    assert error_of(agent.get("/v1/auth/account")) == (401, "invalid_session_token")


def test_who_was_removed_does_not_go_on_for_another_organization() -> None:
    person = member()
    MembershipFactory.create(user=person.user)
    agent = by_token(person)
    browser = Client()
    body = {"email": person.user.email, "password": PASSWORD}
    browser.post(LOGIN, body, JSON)
    person.delete()
    assert error_of(agent.get("/v1/auth/account")) == (401, "invalid_session_token")
    assert error_of(browser.get("/v1/auth/account")) == (401, "unauthenticated")


def test_two_credentials_in_one_header_are_refused() -> None:
    secret = make_key(member().org).secret
    reply = ApiClient(f"{secret}, Bearer {secret}").get("/v1/auth/account")
    assert error_of(reply) == (400, "two_credentials")


def test_a_token_in_the_address_is_refused() -> None:
    secret = login(member().user.email, issue_token=True).json()["session_token"]
    reply = anyone().get(f"/v1/auth/account?token={secret}")
    assert error_of(reply) == (400, "credential_in_url")
    assert secret not in reply.content.decode()
