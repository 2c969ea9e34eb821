"""/v1/auth/account/members."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from accounts.members import LastOwner, change_role, remove_member
from accounts.models import Invitation, Membership, Org, Role
from batchrouter.kit import clock
from tests.accounts.api.people import by_token, member
from tests.factories.accounts import InvitationFactory, OrgFactory, make_key
from tests.support.api_client import ApiClient, error_of

MEMBERS = "/v1/auth/account/members"


@pytest.fixture
def org() -> Org:
    return OrgFactory.create()


def path_of(place: Membership) -> str:
    return f"{MEMBERS}/{place.user.public_id}"


def role_of(place: Membership) -> str:
    return Membership.objects.get(pk=place.pk).role


def change(by: Membership, whom: Membership, role: Any) -> Any:
    return by_token(by).patch(path_of(whom), {"role": role})


# --- Seeing them ---


@pytest.mark.django_db
def test_owners_and_admins_see_who_belongs(org: Org) -> None:
    owner = member(org=org)
    admin = member(org=org, role=Role.ADMIN)
    member()
    rows = by_token(admin).get(MEMBERS).json()["data"]
    assert [(row["email"], row["role"]) for row in rows] == [
        (admin.user.email, "admin"),
        (owner.user.email, "owner"),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["member", "viewer"])
def test_others_do_not(org: Org, role: str) -> None:
    reply = by_token(member(org=org, role=role)).get(MEMBERS)
    assert error_of(reply) == (403, "scope_required")


@pytest.mark.django_db
def test_a_key_may_read_the_list_but_change_nobody(org: Org) -> None:
    owner, other = member(org=org), member(org=org)
    key = ApiClient(make_key(org).secret)
    assert len(key.get(MEMBERS).json()["data"]) == 2
    lowered = key.patch(path_of(owner), {"role": "viewer"})
    assert error_of(lowered) == (403, "session_required")
    assert error_of(key.delete(path_of(other))) == (403, "session_required")
    assert [role_of(owner), role_of(other)] == ["owner", "owner"]


# --- Changing roles ---


@pytest.mark.django_db
@pytest.mark.parametrize("role", Role.values)
def test_an_owner_gives_any_role(org: Org, role: str) -> None:
    owner, other = member(org=org), member(org=org, role=Role.MEMBER)
    reply = change(owner, other, role)
    assert reply.status_code == 200
    assert reply.json()["role"] == role_of(other) == role


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["admin", "member", "viewer"])
def test_an_admin_gives_any_role_but_the_owners(org: Org, role: str) -> None:
    admin, other = member(org=org, role=Role.ADMIN), member(org=org, role=Role.MEMBER)
    assert change(admin, other, role).status_code == 200
    assert role_of(other) == role


@pytest.mark.django_db
def test_an_admin_makes_no_owner_not_even_of_themselves(org: Org) -> None:
    admin = member(org=org, role=Role.ADMIN)
    reply = change(admin, admin, "owner")
    assert error_of(reply) == (403, "role_required")
    assert reply.json()["error"]["details"] == {"role": "owner"}
    assert role_of(admin) == "admin"


@pytest.mark.django_db
def test_an_admin_neither_lowers_nor_removes_an_owner(org: Org) -> None:
    owner = member(org=org)
    member(org=org)
    admin = member(org=org, role=Role.ADMIN)
    assert error_of(change(admin, owner, "viewer")) == (403, "role_required")
    assert error_of(by_token(admin).delete(path_of(owner))) == (403, "role_required")
    assert role_of(owner) == "owner"


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["member", "viewer"])
def test_others_change_and_remove_nobody(org: Org, role: str) -> None:
    low, other = member(org=org, role=role), member(org=org, role=Role.VIEWER)
    assert error_of(change(low, low, "admin")) == (403, "scope_required")
    assert error_of(by_token(low).delete(path_of(other))) == (403, "role_required")
    assert (role_of(low), role_of(other)) == (role, "viewer")


@pytest.mark.django_db
def test_a_role_counts_at_the_very_next_call(org: Org) -> None:
    owner, admin = member(org=org), member(org=org, role=Role.ADMIN)
    caller = by_token(admin)
    assert caller.get(MEMBERS).status_code == 200
    change(owner, admin, "viewer")
    assert error_of(caller.get(MEMBERS)) == (403, "scope_required")


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["boss", "", None, 1, ["owner"], {"role": "owner"}])
def test_a_role_that_does_not_exist_is_refused(org: Org, role: Any) -> None:
    owner, other = member(org=org), member(org=org, role=Role.MEMBER)
    reply = change(owner, other, role)
    assert error_of(reply) == (400, "invalid_request")
    assert reply.json()["error"]["param"] == "role"
    assert role_of(other) == "member"


@pytest.mark.django_db
def test_an_unknown_field_is_refused_by_name(org: Org) -> None:
    owner = member(org=org)
    reply = by_token(owner).patch(path_of(owner), {"role": "owner", "is_staff": True})
    assert error_of(reply) == (400, "unknown_field")
    assert reply.json()["error"]["param"] == "is_staff"


@pytest.mark.django_db
def test_people_of_other_organizations_are_not_found(org: Org) -> None:
    owner, stranger = member(org=org), member()
    assert error_of(change(owner, stranger, "viewer")) == (404, "not_found")
    assert error_of(by_token(owner).delete(path_of(stranger))) == (404, "not_found")
    assert role_of(stranger) == "owner"


# --- Leaving ---


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["admin", "member", "viewer"])
def test_everybody_may_leave(org: Org, role: str) -> None:
    member(org=org)
    low = member(org=org, role=role)
    assert by_token(low).delete(path_of(low)).status_code == 204
    assert not Membership.objects.filter(pk=low.pk).exists()


@pytest.mark.django_db
def test_a_removed_person_is_refused_at_the_very_next_call(org: Org) -> None:
    owner, other = member(org=org), member(org=org, role=Role.ADMIN)
    caller = by_token(other)
    assert caller.get(MEMBERS).status_code == 200
    assert by_token(owner).delete(path_of(other)).status_code == 204
    assert caller.get(MEMBERS).status_code == 401


@pytest.mark.django_db
def test_the_last_owner_neither_leaves_nor_is_lowered(org: Org) -> None:
    owner = member(org=org)
    member(org=org, role=Role.ADMIN)
    assert error_of(by_token(owner).delete(path_of(owner))) == (409, "last_owner")
    assert error_of(change(owner, owner, "admin")) == (409, "last_owner")
    assert role_of(owner) == "owner"


@pytest.mark.django_db
def test_an_owner_whose_account_is_closed_does_not_count(org: Org) -> None:
    owner = member(org=org)
    member(org=org, user__is_active=False)
    assert error_of(by_token(owner).delete(path_of(owner))) == (409, "last_owner")


@pytest.mark.django_db
def test_one_of_two_owners_may_leave(org: Org) -> None:
    owner, other = member(org=org), member(org=org)
    assert by_token(owner).delete(path_of(owner)).status_code == 204
    assert role_of(other) == "owner"


@pytest.mark.django_db
def test_invitations_end_with_the_rights_of_who_sent_them(org: Org) -> None:
    owner, admin = member(org=org), member(org=org, role=Role.ADMIN)
    kept = InvitationFactory.create(org=org, invited_by=owner.user)
    ended = InvitationFactory.create(org=org, invited_by=admin.user)
    change(owner, admin, "member")
    assert Invitation.objects.get(pk=ended.pk).revoked_at is not None
    assert Invitation.objects.get(pk=kept.pk).revoked_at is None


@pytest.mark.usefixtures("committed_db")
@pytest.mark.parametrize("how", ["leave", "lower"])
def test_of_two_owners_who_go_at_once_one_stays(how: str) -> None:
    org = OrgFactory.create()
    owners = [member(org=org), member(org=org)]
    gate = threading.Barrier(2)

    def go(place: Membership) -> str:
        gate.wait()
        try:
            if how == "leave":
                remove_member(org, place.user.public_id, by=place.user, now=clock.now())
            else:
                change_role(
                    org,
                    place.user.public_id,
                    Role.VIEWER,
                    by=place.user,
                    now=clock.now(),
                )
        except LastOwner:
            return "stayed"
        finally:
            connection.close()
        return "gone"

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(go, owners))

    assert outcomes == ["gone", "stayed"]
    assert Membership.objects.filter(org=org, role=Role.OWNER).count() == 1
