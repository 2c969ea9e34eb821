from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.keys import make_secret, revoke_key
from accounts.models import ApiKey, Org, Role, Scope, User
from batchrouter.kit import clock
from tests.factories.accounts import (
    MembershipFactory,
    OrgFactory,
    UserFactory,
    make_key,
)
from tests.support.calls import bearer, client, refusal

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.accounts.urls")]

WHOAMI = "/v1/whoami"
CSRF = "a" * 32


def get(secret: str, path: str = WHOAMI) -> Any:
    return client().get(path, headers=bearer(secret))


def refused(reply: Any) -> str:
    """Return the code of a 401."""
    assert reply.status_code == 401
    error = refusal(reply)
    assert error["type"] == "authentication_error"
    assert reply["WWW-Authenticate"] == 'Bearer realm="api"'
    return str(error["code"])


def browser(user: User) -> Client:
    """Return a browser that is logged in and holds a CSRF cookie."""
    visitor = Client(enforce_csrf_checks=True, raise_request_exception=False)
    visitor.force_login(user)
    visitor.cookies["csrftoken"] = CSRF
    return visitor


@pytest.fixture
def org() -> Org:
    return OrgFactory.create()


# --- Keys ---


def test_a_key_speaks_for_its_organization(org: Org) -> None:
    made = make_key(org, scopes=["read"])
    reply = get(made.secret)
    assert reply.status_code == 200
    assert reply.json() == {
        "org": org.public_id,
        "user": None,
        "key": made.row.public_id,
        "auth_method": "api_key",
        "is_test": False,
        "scopes": ["read"],
    }


def test_a_test_key_is_known_as_one(org: Org) -> None:
    assert get(make_key(org, is_test=True).secret).json()["is_test"] is True


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_schemes_name_is_read_in_any_case(org: Org, scheme: str) -> None:
    headers = {"Authorization": f"{scheme}  {make_key(org).secret} "}
    assert client().get(WHOAMI, headers=headers).status_code == 200


def test_every_dead_key_gets_the_same_answer(org: Org) -> None:
    now = clock.now()
    revoked, expired = make_key(org), make_key(org, expires_at=now)
    revoke_key(revoked.row, now=now)
    suspended = make_key(OrgFactory.create(is_suspended=True))
    replies = [
        get(secret)
        for secret in (
            revoked.secret,
            expired.secret,
            suspended.secret,
            make_secret(is_test=False),
            "ob_live_mistyped",
            "",
        )
    ]
    assert {refused(reply) for reply in replies} == {"invalid_api_key"}
    errors = [dict(refusal(reply), request_id=None) for reply in replies]
    assert [error for error in errors if error != errors[0]] == []


def test_a_key_works_until_the_instant_it_expires(org: Org) -> None:
    with time_machine.travel("2026-11-22T12:00:00Z", tick=False) as traveller:
        made = make_key(org, expires_at=clock.now() + timedelta(seconds=1))
        assert get(made.secret).status_code == 200
        traveller.shift(1)
        assert refused(get(made.secret)) == "invalid_api_key"


def test_a_revoked_key_is_refused_at_the_very_next_call(org: Org) -> None:
    made = make_key(org)
    assert get(made.secret).status_code == 200
    revoke_key(made.row, now=clock.now())
    assert refused(get(made.secret)) == "invalid_api_key"


def test_a_key_stops_and_works_again_with_its_organization(org: Org) -> None:
    made = make_key(org)
    Org.objects.update(is_suspended=True)
    assert refused(get(made.secret)) == "invalid_api_key"
    Org.objects.update(is_suspended=False)
    assert get(made.secret).status_code == 200


@pytest.mark.parametrize("name", ["api_key", "key", "access_token", "Authorization"])
def test_a_key_in_the_address_is_refused(org: Org, name: str) -> None:
    reply = client().get(WHOAMI, {name: make_key(org).secret})
    assert reply.status_code == 400
    error = refusal(reply)
    assert error["code"] == "credential_in_url"
    assert "ob_live_" not in str(error)


def test_a_key_in_the_body_is_not_read(org: Org) -> None:
    body = {"api_key": make_key(org).secret}
    reply = client().post(WHOAMI, body, "application/json")
    assert refused(reply) == "unauthenticated"


@pytest.mark.parametrize("scheme", ["Basic", "Token", "ApiKey"])
def test_a_key_under_another_scheme_is_not_read(org: Org, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {make_key(org).secret}"}
    assert refused(client().get(WHOAMI, headers=headers)) == "unauthenticated"


def test_the_secret_of_a_refused_key_is_not_repeated() -> None:
    secret = make_secret(is_test=False)
    assert secret[8:] not in get(secret).content.decode()


# --- When a key was last used ---


def test_the_first_use_of_a_key_is_noted(org: Org) -> None:
    made = make_key(org)
    with time_machine.travel("2026-11-22T12:00:00Z", tick=False):
        get(made.secret)
        made.row.refresh_from_db()
        assert made.row.last_used_at == clock.now()


def test_the_use_of_a_key_is_noted_at_most_once_a_minute(org: Org) -> None:
    made = make_key(org)
    noted = []
    with time_machine.travel("2026-11-22T12:00:00Z", tick=False) as traveller:
        for _ in range(5):
            get(made.secret)
            made.row.refresh_from_db()
            assert made.row.last_used_at is not None
            noted.append(made.row.last_used_at.strftime("%M:%S"))
            traveller.shift(30.5)
    assert noted == ["00:00", "00:00", "01:01", "01:01", "02:02"]


def test_a_call_within_the_minute_writes_nothing(org: Org) -> None:
    made = make_key(org)
    get(made.secret)
    with CaptureQueriesContext(connection) as queries:
        get(made.secret)
    assert [row["sql"] for row in queries if not row["sql"].startswith("SELECT")] == []


def test_a_refused_key_is_not_noted_as_used(org: Org) -> None:
    made = make_key(org)
    revoke_key(made.row, now=clock.now())
    get(made.secret)
    assert ApiKey.objects.get().last_used_at is None


# --- Scopes ---


@pytest.mark.parametrize("scope", Scope.values)
def test_a_key_with_only_the_scope_of_a_call_may_make_it(org: Org, scope: str) -> None:
    made = make_key(org, scopes=[scope])
    assert get(made.secret, f"/v1/scoped/{scope}").status_code == 200


@pytest.mark.parametrize("scope", Scope.values)
def test_a_key_with_every_other_scope_may_not(org: Org, scope: str) -> None:
    others = [other for other in Scope.values if other != scope]
    reply = get(make_key(org, scopes=others).secret, f"/v1/scoped/{scope}")
    assert reply.status_code == 403
    error = refusal(reply)
    assert (error["code"], error["type"]) == ("scope_required", "permission_error")
    assert error["details"] == {"scope": scope}


def test_each_method_has_its_own_scope(org: Org) -> None:
    made = make_key(org, scopes=["read"])
    reply = client().post(WHOAMI, headers=bearer(made.secret))
    assert get(made.secret).status_code == 200
    assert reply.status_code == 403
    assert refusal(reply)["details"] == {"scope": "submit"}


def test_a_call_that_declares_no_scope_is_refused_to_everybody(org: Org) -> None:
    reply = get(make_key(org).secret, "/v1/undeclared")
    assert reply.status_code == 403
    assert refusal(reply)["code"] == "forbidden"


# --- Browsers ---


def test_a_browser_speaks_for_its_person(org: Org) -> None:
    owner = MembershipFactory.create(org=org)
    told = browser(owner.user).get(WHOAMI).json()
    assert (told["org"], told["user"]) == (org.public_id, owner.user.public_id)
    assert (told["key"], told["auth_method"]) == (None, "session")


@pytest.mark.parametrize(
    ("role", "scopes"),
    [
        (Role.OWNER, ["admin", "billing", "cancel", "quote", "read", "submit"]),
        (Role.ADMIN, ["admin", "billing", "cancel", "quote", "read", "submit"]),
        (Role.MEMBER, ["cancel", "quote", "read", "submit"]),
        (Role.VIEWER, ["read"]),
    ],
)
def test_a_role_has_its_scopes(role: Role, scopes: list[str]) -> None:
    member = MembershipFactory.create(role=role)
    assert browser(member.user).get(WHOAMI).json()["scopes"] == scopes


def test_a_role_that_is_lowered_counts_at_the_very_next_call() -> None:
    member = MembershipFactory.create(role=Role.OWNER)
    visitor = browser(member.user)
    headers = {"X-CSRFToken": CSRF}
    assert visitor.post(WHOAMI, headers=headers).status_code == 200
    member.role = Role.VIEWER
    member.save()
    reply = visitor.post(WHOAMI, headers=headers)
    assert refusal(reply)["code"] == "scope_required"


def test_a_member_who_was_removed_is_nobody() -> None:
    member = MembershipFactory.create()
    visitor = browser(member.user)
    member.delete()
    assert refused(visitor.get(WHOAMI)) == "unauthenticated"


def test_a_person_who_was_deactivated_is_nobody() -> None:
    member = MembershipFactory.create()
    visitor = browser(member.user)
    User.objects.update(is_active=False)
    assert refused(visitor.get(WHOAMI)) == "unauthenticated"


def test_a_member_of_a_suspended_organization_is_nobody() -> None:
    member = MembershipFactory.create(org__is_suspended=True)
    assert refused(browser(member.user).get(WHOAMI)) == "unauthenticated"


def test_an_operator_without_an_organization_is_nobody_here() -> None:
    operator = UserFactory.create(is_staff=True, is_superuser=True)
    assert refused(browser(operator).get(WHOAMI)) == "unauthenticated"


def test_a_browser_reads_without_a_csrf_token() -> None:
    member = MembershipFactory.create()
    assert browser(member.user).get(WHOAMI).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"X-CSRFToken": "b" * 32}])
def test_a_browser_writes_only_with_its_csrf_token(headers: dict[str, str]) -> None:
    member = MembershipFactory.create()
    reply = browser(member.user).post(WHOAMI, headers=headers)
    assert reply.status_code == 403
    assert refusal(reply)["code"] == "forbidden"


def test_a_browser_writes_with_its_csrf_token() -> None:
    member = MembershipFactory.create()
    reply = browser(member.user).post(WHOAMI, headers={"X-CSRFToken": CSRF})
    assert reply.status_code == 200


def test_a_key_needs_no_csrf_token(org: Org) -> None:
    caller = Client(enforce_csrf_checks=True)
    reply = caller.post(WHOAMI, headers=bearer(make_key(org).secret))
    assert reply.status_code == 200


# --- A key and a cookie together ---


def test_a_key_wins_over_a_cookie(org: Org) -> None:
    visitor = browser(MembershipFactory.create().user)
    reply = visitor.post(WHOAMI, headers=bearer(make_key(org).secret))
    told = reply.json()
    assert (told["org"], told["auth_method"]) == (org.public_id, "api_key")
    assert told["user"] is None


def test_a_key_that_is_refused_does_not_fall_back_on_the_cookie() -> None:
    visitor = browser(MembershipFactory.create().user)
    reply = visitor.get(WHOAMI, headers=bearer(make_secret(is_test=False)))
    assert refused(reply) == "invalid_api_key"
