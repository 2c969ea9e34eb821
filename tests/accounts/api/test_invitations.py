"""/v1/auth/account/invitations."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client

from accounts.models import Invitation, Membership, Org, Role, SignUp, User
from accounts.tokens import Purpose, make_token
from batchrouter.kit import clock
from batchrouter.mail.models import Letter
from tests.accounts.api.people import (
    EMAIL,
    NEW_PASSWORD,
    anyone,
    by_token,
    login,
    member,
    register,
)
from tests.factories.accounts import (
    InvitationFactory,
    OrgFactory,
    UserFactory,
    make_key,
)
from tests.support.api_client import ApiClient, error_of
from tests.support.mailbox import Mailbox

pytestmark = pytest.mark.django_db

INVITATIONS = "/v1/auth/account/invitations"
ACCEPT = f"{INVITATIONS}/accept"


@pytest.fixture
def owner() -> Membership:
    return member(org__name="Acme")


def invite(by: Membership, email: str = EMAIL, role: str = "member") -> Any:
    return by_token(by).post(INVITATIONS, {"email": email, "role": role})


def accept(token: str, caller: ApiClient | None = None, **more: Any) -> Any:
    return (caller or anyone()).post(ACCEPT, {"token": token, **more})


def token_of(invitation: Invitation) -> str:
    return make_token(Purpose.INVITATION, invitation.public_id)


# --- Inviting ---


def test_an_invitation_is_mailed_and_shown_without_its_token(
    owner: Membership, mailbox: Mailbox
) -> None:
    with time_machine.travel("2026-11-22T12:00:00Z", tick=False):
        reply = invite(owner, " Ada@Example.com ", "admin")
        token = mailbox.token(EMAIL)
    assert reply.status_code == 201
    assert reply.json() == {
        "id": Invitation.objects.get().public_id,
        "object": "invitation",
        "email": EMAIL,
        "role": "admin",
        "state": "open",
        "invited_by": owner.user.public_id,
        "created_at": "2026-11-22T12:00:00.000Z",
        "expires_at": "2026-11-29T12:00:00.000Z",
    }
    assert token not in reply.content.decode()
    assert "Acme" in mailbox.letters(EMAIL)[0].subject


def test_inviting_tells_nothing_of_an_account_at_the_address(owner: Membership) -> None:
    known, unknown = invite(owner, member().user.email), invite(owner)
    assert (known.status_code, unknown.status_code) == (201, 201)
    assert known.json().keys() == unknown.json().keys()


def test_a_second_invitation_to_an_address_replaces_the_first(
    owner: Membership,
) -> None:
    invite(owner, role="viewer")
    first = Invitation.objects.get()
    invite(owner, role="member")
    rows = by_token(owner).get(INVITATIONS).json()["data"]
    assert [row["role"] for row in rows] == ["member"]
    reply = accept(token_of(first), password=NEW_PASSWORD)
    assert error_of(reply) == (400, "invalid_token")


def test_two_organizations_may_invite_one_address(owner: Membership) -> None:
    assert invite(owner).status_code == 201
    assert invite(member()).status_code == 201
    assert Invitation.objects.filter(revoked_at=None).count() == 2


def test_a_present_member_is_not_invited(owner: Membership) -> None:
    other = member(org=owner.org, role=Role.VIEWER)
    reply = invite(owner, other.user.email.upper())
    assert error_of(reply) == (409, "already_member")
    assert not Invitation.objects.exists()
    assert not Letter.objects.exists()


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_who_may_not_see_the_members_learns_nothing_by_inviting(
    owner: Membership, role: str
) -> None:
    low = member(org=owner.org, role=role)
    assert error_of(invite(low, owner.user.email)) == (403, "scope_required")
    assert error_of(by_token(low).get(INVITATIONS)) == (403, "scope_required")


def test_only_owners_invite_owners(owner: Membership) -> None:
    admin = member(org=owner.org, role=Role.ADMIN)
    assert error_of(invite(admin, role="owner")) == (403, "role_required")
    assert not Invitation.objects.exists()
    assert invite(owner, role="owner").status_code == 201


def test_a_key_invites_nobody(owner: Membership) -> None:
    key = ApiClient(make_key(owner.org).secret)
    reply = key.post(INVITATIONS, {"email": EMAIL, "role": "admin"})
    assert error_of(reply) == (403, "session_required")
    assert not Invitation.objects.exists()


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"role": "member"}, "invalid_request", "email"),
        ({"email": EMAIL}, "invalid_request", "role"),
        ({"email": EMAIL, "role": "boss"}, "invalid_request", "role"),
        ({"email": EMAIL, "role": ["member"]}, "invalid_request", "role"),
        ({"email": "ada", "role": "member"}, "invalid_email", "email"),
        ({"email": {"a": 1}, "role": "member"}, "invalid_request", "email"),
        ({"email": EMAIL, "role": "member", "org": "o"}, "unknown_field", "org"),
    ],
)
def test_a_bad_field_is_refused_by_name(
    owner: Membership, body: dict[str, Any], code: str, param: str
) -> None:
    reply = by_token(owner).post(INVITATIONS, body)
    assert error_of(reply) == (400, code)
    assert reply.json()["error"]["param"] == param
    assert not Invitation.objects.exists()


def test_too_much_mail_is_refused_and_nobody_is_invited(
    owner: Membership, settings: Any
) -> None:
    settings.MAIL_PER_ADDRESS_HOURLY = 1
    assert invite(owner).status_code == 201
    reply = invite(owner)
    assert error_of(reply) == (429, "rate_limited")
    assert int(reply["Retry-After"]) > 0
    assert Invitation.objects.get().revoked_at is None


def test_without_mail_nobody_is_invited(owner: Membership, settings: Any) -> None:
    settings.MAIL_DIR, settings.RESEND_API_KEY = None, ""
    assert error_of(invite(owner)) == (503, "mail_unavailable")
    assert not Invitation.objects.exists()


def test_a_repeated_create_invites_once(owner: Membership) -> None:
    caller, body = by_token(owner), {"email": EMAIL, "role": "member"}
    first = caller.post(INVITATIONS, body, idempotency_key="k-1")
    again = caller.post(INVITATIONS, body, idempotency_key="k-1")
    assert again.json() == first.json()
    assert Invitation.objects.count() == Letter.objects.count() == 1


# --- Resending and revoking ---


def test_resending_mails_again_and_starts_the_time_anew(
    owner: Membership, mailbox: Mailbox
) -> None:
    with time_machine.travel("2026-11-22T12:00:00Z", tick=False) as traveller:
        path = f"{INVITATIONS}/{invite(owner).json()['id']}"
        mailbox.token(EMAIL)
        traveller.shift(timedelta(days=8))
        reply = by_token(owner).post(f"{path}/resend")
        assert reply.status_code == 202
        assert reply.json()["expires_at"] == "2026-12-07T12:00:00.000Z"
        assert len(mailbox.letters(EMAIL)) == 2
        token = mailbox.token(EMAIL)
        assert accept(token, password=NEW_PASSWORD).status_code == 200


def test_a_revoked_invitation_is_void(owner: Membership, mailbox: Mailbox) -> None:
    path = f"{INVITATIONS}/{invite(owner).json()['id']}"
    token = mailbox.token(EMAIL)
    assert by_token(owner).delete(path).status_code == 204
    assert error_of(accept(token, password=NEW_PASSWORD)) == (400, "invalid_token")
    assert error_of(by_token(owner).post(f"{path}/resend")) == (404, "not_found")
    assert not User.objects.filter(email=EMAIL).exists()


def test_invitations_of_others_are_not_found(owner: Membership) -> None:
    theirs = InvitationFactory.create()
    path = f"{INVITATIONS}/{theirs.public_id}"
    assert error_of(by_token(owner).delete(path)) == (404, "not_found")
    assert error_of(by_token(owner).post(f"{path}/resend")) == (404, "not_found")
    assert by_token(owner).get(INVITATIONS).json()["data"] == []
    theirs.refresh_from_db()
    assert theirs.revoked_at is None


def test_an_admin_does_not_touch_the_invitation_of_an_owner(owner: Membership) -> None:
    admin = member(org=owner.org, role=Role.ADMIN)
    path = f"{INVITATIONS}/{invite(owner, role='owner').json()['id']}"
    assert error_of(by_token(admin).post(f"{path}/resend")) == (403, "role_required")
    assert error_of(by_token(admin).delete(path)) == (403, "role_required")
    assert Invitation.objects.get().revoked_at is None


def test_resending_takes_no_fields(owner: Membership) -> None:
    path = f"{INVITATIONS}/{invite(owner).json()['id']}"
    reply = by_token(owner).post(f"{path}/resend", {"email": "eve@example.com"})
    assert error_of(reply) == (400, "unknown_field")
    assert Letter.objects.count() == 1


# --- Accepting without an account ---


def test_a_password_makes_an_account_of_this_organization_only(
    owner: Membership, mailbox: Mailbox
) -> None:
    invite(owner, role="viewer")
    token = mailbox.token(EMAIL)
    reply = accept(token, password=NEW_PASSWORD, name="Ada")
    person = User.objects.get(email=EMAIL)
    assert reply.status_code == 200
    assert reply.json()["role"] == "viewer"
    assert reply.json()["org"]["id"] == owner.org.public_id
    assert reply.json()["user"]["id"] == person.public_id
    assert reply.json()["user"]["name"] == "Ada"
    place = Membership.objects.get(user=person)
    assert (place.org, place.role) == (owner.org, "viewer")
    assert Org.objects.count() == 1
    assert login(EMAIL, NEW_PASSWORD).status_code == 200


def test_an_open_sign_up_of_the_address_is_void_then(mailbox: Mailbox) -> None:
    sign_up_token = register(mailbox)
    token = token_of(InvitationFactory.create(email=EMAIL))
    assert accept(token, password=NEW_PASSWORD).status_code == 200
    assert not SignUp.objects.exists()
    confirmed = anyone().post("/v1/auth/verify-email/confirm", {"token": sign_up_token})
    assert error_of(confirmed) == (400, "invalid_token")


def test_without_a_password_nothing_is_made() -> None:
    reply = accept(token_of(InvitationFactory.create(email=EMAIL)))
    assert error_of(reply) == (400, "invalid_request")
    assert reply.json()["error"]["param"] == "password"
    assert not User.objects.exists()
    assert Invitation.objects.get().accepted_at is None


@pytest.mark.parametrize("password", ["short", "1234567890", "ada@example.com"])
def test_a_weak_password_makes_nothing(password: str) -> None:
    token = token_of(InvitationFactory.create(email=EMAIL))
    assert error_of(accept(token, password=password)) == (400, "weak_password")
    assert not User.objects.exists()


@pytest.mark.parametrize("field", ["token", "password", "name"])
@pytest.mark.parametrize("value", [1, ["a"], {"a": 1}, True])
def test_a_field_of_another_type_is_refused_by_name(field: str, value: Any) -> None:
    token = token_of(InvitationFactory.create(email=EMAIL))
    body = {"token": token, "password": NEW_PASSWORD, field: value}
    reply = anyone().post(ACCEPT, body)
    assert error_of(reply) == (400, "invalid_request")
    assert reply.json()["error"]["param"] == field
    assert not User.objects.exists()


# --- Accepting with an account ---


def test_who_has_an_account_accepts_while_logged_in(owner: Membership) -> None:
    ada = member(user__email=EMAIL)
    token = token_of(InvitationFactory.create(org=owner.org, email=EMAIL))
    reply = accept(token, by_token(ada))
    assert reply.status_code == 200
    assert Membership.objects.filter(user=ada.user).count() == 2
    assert Membership.objects.get(user=ada.user, org=owner.org).role == "member"


def test_who_has_an_account_logs_in_first(owner: Membership) -> None:
    ada = member(user__email=EMAIL)
    token = token_of(InvitationFactory.create(org=owner.org, email=EMAIL))
    reply = accept(token, password=NEW_PASSWORD)
    assert error_of(reply) == (401, "login_required")
    assert Membership.objects.filter(user=ada.user).count() == 1
    assert ada.user.check_password(NEW_PASSWORD) is False


def test_somebody_else_does_not_accept(owner: Membership) -> None:
    ada, eve = member(user__email=EMAIL), member()
    token = token_of(InvitationFactory.create(org=owner.org, email=EMAIL))
    assert error_of(accept(token, by_token(eve))) == (403, "wrong_account")
    assert Membership.objects.filter(org=owner.org).count() == 1
    assert Membership.objects.filter(user__in=[ada.user, eve.user]).count() == 2


def test_a_key_does_not_accept_for_a_person(owner: Membership) -> None:
    ada = member(user__email=EMAIL)
    token = token_of(InvitationFactory.create(org=owner.org, email=EMAIL))
    reply = accept(token, ApiClient(make_key(ada.org).secret))
    assert error_of(reply) == (401, "login_required")


def browser_of(person: User) -> Client:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(person)
    browser.cookies["csrftoken"] = "a" * 32
    return browser


def test_a_person_of_no_organization_accepts_by_cookie(owner: Membership) -> None:
    ada = UserFactory.create(email=EMAIL)
    token = token_of(InvitationFactory.create(org=owner.org, email=EMAIL))
    reply = browser_of(ada).post(
        ACCEPT, {"token": token}, "application/json", headers={"X-CSRFToken": "a" * 32}
    )
    assert reply.status_code == 200
    assert Membership.objects.get(user=ada).org == owner.org


def test_a_cookie_without_its_csrf_token_accepts_nothing(owner: Membership) -> None:
    ada = UserFactory.create(email=EMAIL)
    token = token_of(InvitationFactory.create(org=owner.org, email=EMAIL))
    reply = browser_of(ada).post(ACCEPT, {"token": token}, "application/json")
    assert error_of(reply) == (403, "forbidden")
    assert not Membership.objects.filter(user=ada).exists()


# --- Tokens that are no good ---


def test_a_token_is_used_once(owner: Membership) -> None:
    token = token_of(InvitationFactory.create(org=owner.org, email=EMAIL))
    assert accept(token, password=NEW_PASSWORD).status_code == 200
    Membership.objects.filter(user__email=EMAIL).delete()
    again = accept(token, by_token(member(user=User.objects.get(email=EMAIL))))
    assert error_of(again) == (400, "invalid_token")
    assert not Membership.objects.filter(org=owner.org, user__email=EMAIL).exists()


def test_a_token_ends_after_seven_days() -> None:
    with time_machine.travel("2026-11-22T12:00:00Z", tick=False) as traveller:
        token = token_of(InvitationFactory.create(email=EMAIL))
        traveller.shift(timedelta(days=7, seconds=1))
        assert error_of(accept(token, password=NEW_PASSWORD)) == (400, "invalid_token")
    assert not User.objects.exists()


@pytest.mark.parametrize("purpose", [Purpose.SIGN_UP, Purpose.EMAIL_CHANGE])
def test_a_token_of_another_purpose_is_no_good(purpose: Purpose) -> None:
    offer = InvitationFactory.create(email=EMAIL)
    reply = accept(make_token(purpose, offer.public_id), password=NEW_PASSWORD)
    assert error_of(reply) == (400, "invalid_token")
    assert not User.objects.exists()


@pytest.mark.parametrize("token", ["x", "obt_", "obt_a.b.c", "obt_inv_1", "é" * 99])
def test_what_is_no_token_is_no_good(token: str) -> None:
    assert error_of(accept(token, password=NEW_PASSWORD)) == (400, "invalid_token")


def test_a_suspended_organization_takes_nobody_in() -> None:
    org = OrgFactory.create(is_suspended=True)
    token = token_of(InvitationFactory.create(org=org, email=EMAIL))
    assert error_of(accept(token, password=NEW_PASSWORD)) == (400, "invalid_token")
    assert not User.objects.exists()


@pytest.mark.usefixtures("committed_db")
def test_ten_who_accept_at_once_are_one_member() -> None:
    offer = InvitationFactory.create(email=EMAIL)
    token, gate = token_of(offer), threading.Barrier(10)

    def go(_number: int) -> int:
        gate.wait()
        try:
            return int(accept(token, password=NEW_PASSWORD).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        statuses = sorted(pool.map(go, range(10)))

    assert statuses == [200] + [400] * 9
    assert Membership.objects.get().user == User.objects.get()
    accepted = Invitation.objects.get().accepted_at
    assert accepted is not None
    assert accepted <= clock.now()
