"""The page of members, and accepting an invitation."""

import pytest
from django.test import Client

from accounts.invitations import invite
from accounts.models import Invitation, Membership, Org, Role, User
from batchrouter.kit import clock
from tests.console.mail import NASTY, is_inert, letters_to, token_for
from tests.factories.accounts import (
    PASSWORD,
    MembershipFactory,
    OrgFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

GUEST = "guest@example.com"


@pytest.fixture
def org() -> Org:
    return OrgFactory.create(name="Ada's lab")


@pytest.fixture
def boss(org: Org) -> User:
    return MembershipFactory.create(org=org, user__email="ada@example.com").user


@pytest.fixture
def owner(boss: User) -> Client:
    return browser_for(boss)


def browser_for(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def member_of(org: Org, role: str) -> User:
    return MembershipFactory.create(org=org, role=role).user


def role_in(org: Org, user: User) -> str | None:
    return (
        Membership.objects.filter(org=org, user=user)
        .values_list("role", flat=True)
        .first()
    )


def test_everybody_sees_who_belongs(org: Org, boss: User) -> None:
    viewer = member_of(org, Role.VIEWER)
    body = browser_for(viewer).get("/account/members").content.decode()
    assert boss.email in body
    assert viewer.email in body
    assert "/role" not in body
    assert 'action="/account/invitations"' not in body


def test_an_owner_changes_a_role(owner: Client, org: Org) -> None:
    user = member_of(org, Role.MEMBER)
    owner.post(f"/account/members/{user.public_id}/role", {"role": "admin"})
    assert role_in(org, user) == Role.ADMIN


def test_an_owner_removes_somebody(owner: Client, org: Org) -> None:
    user = member_of(org, Role.MEMBER)
    owner.post(f"/account/members/{user.public_id}/remove")
    assert role_in(org, user) is None


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_members_and_viewers_change_nobody(role: str, org: Org, boss: User) -> None:
    user, other = member_of(org, role), member_of(org, Role.VIEWER)
    browser = browser_for(user)
    path = f"/account/members/{other.public_id}"
    assert browser.post(f"{path}/role", {"role": "admin"}).status_code == 403
    assert browser.post(f"{path}/remove").status_code == 403
    form = {"email": GUEST, "role": "viewer"}
    assert browser.post("/account/invitations", form).status_code == 403
    assert role_in(org, other) == Role.VIEWER
    assert not Invitation.objects.exists()


def test_an_admin_neither_makes_nor_removes_owners(org: Org, boss: User) -> None:
    admin = member_of(org, Role.ADMIN)
    browser = browser_for(admin)
    body = browser.get("/account/members").content.decode()
    assert 'value="owner"' not in body
    assert f"/account/members/{boss.public_id}/" not in body
    path = f"/account/members/{boss.public_id}/remove"
    assert browser.post(path).status_code == 403
    own = f"/account/members/{admin.public_id}/role"
    assert browser.post(own, {"role": "owner"}).status_code == 403
    assert (role_in(org, boss), role_in(org, admin)) == (Role.OWNER, Role.ADMIN)


def test_a_member_leaves(org: Org, boss: User) -> None:
    user = member_of(org, Role.VIEWER)
    reply = browser_for(user).post(
        f"/account/members/{user.public_id}/remove", follow=True
    )
    assert "You have left Ada&#x27;s lab." in reply.content.decode()
    assert role_in(org, user) is None


def test_the_last_owner_stays(owner: Client, org: Org, boss: User) -> None:
    reply = owner.post(f"/account/members/{boss.public_id}/remove")
    assert reply.status_code == 409
    assert "This is the last owner" in reply.content.decode()
    assert role_in(org, boss) == Role.OWNER


def test_an_invitation_goes_out_and_is_listed(owner: Client) -> None:
    owner.post("/account/invitations", {"email": GUEST, "role": "viewer"})
    assert letters_to(GUEST) == ["invitation"]
    assert GUEST in owner.get("/account/members").content.decode()


def test_open_invitations_are_for_those_who_manage_them(org: Org, boss: User) -> None:
    send(org, boss)
    viewer = browser_for(member_of(org, Role.VIEWER))
    assert GUEST not in viewer.get("/account/members").content.decode()


def test_a_broken_address_stands_beside_its_field(owner: Client) -> None:
    reply = owner.post("/account/invitations", {"email": "guest", "role": "viewer"})
    body = reply.content.decode()
    assert reply.status_code == 400
    assert 'id="id_email_error"' in body
    assert 'value="guest"' in body
    assert '<option value="viewer" selected>' in body


def test_an_invitation_is_sent_again_and_revoked(
    owner: Client, org: Org, boss: User
) -> None:
    offer = send(org, boss)
    owner.post(f"/account/invitations/{offer.public_id}/resend")
    assert letters_to(GUEST) == ["invitation", "invitation"]
    owner.post(f"/account/invitations/{offer.public_id}/revoke")
    offer.refresh_from_db()
    assert offer.revoked_at is not None


def test_invitations_of_others_are_nobodys(owner: Client) -> None:
    theirs = MembershipFactory.create()
    offer = send(theirs.org, theirs.user)
    path = f"/account/invitations/{offer.public_id}"
    assert owner.post(f"{path}/resend").status_code == 404
    assert owner.post(f"{path}/revoke").status_code == 404
    offer.refresh_from_db()
    assert offer.revoked_at is None


def test_following_the_link_accepts_nothing(org: Org, boss: User) -> None:
    send(org, boss)
    body = Client().get(link()).content.decode()
    assert "Accept the invitation" in body
    assert "Ada&#x27;s lab" in body
    assert not User.objects.filter(email=GUEST).exists()


def test_somebody_new_chooses_a_password(org: Org, boss: User) -> None:
    send(org, boss)
    form = {"token": token_for(GUEST), "password": PASSWORD, "name": "Guest"}
    client = Client()
    assert client.post("/invitations/accept", form)["Location"] == "/login"
    client.post("/login", {"login": GUEST, "password": PASSWORD})
    assert "Ada&#x27;s lab" in client.get("/").content.decode()


def test_a_weak_password_joins_nothing_and_keeps_the_name(org: Org, boss: User) -> None:
    send(org, boss)
    form = {"token": token_for(GUEST), "password": "short", "name": "Guest"}
    reply = Client().post("/invitations/accept", form)
    assert reply.status_code == 400
    assert 'id="id_password_error"' in reply.content.decode()
    assert 'value="Guest"' in reply.content.decode()
    assert not User.objects.filter(email=GUEST).exists()


def test_somebody_with_an_account_logs_in_first(org: Org, boss: User) -> None:
    UserFactory.create(email=GUEST)
    send(org, boss)
    client, path = Client(), link()
    body = client.get(path).content.decode()
    found = body.partition('href="/login?next=')[2].partition('"')[0]
    login = f"/login?next={found}".replace("&amp;", "&")
    reply = client.post(login, {"login": GUEST, "password": PASSWORD})
    assert reply["Location"] == path
    assert "Accept the invitation" in client.get(path).content.decode()


def test_the_invited_person_accepts_and_acts_for_the_organization(
    org: Org, boss: User
) -> None:
    guest = MembershipFactory.create(user__email=GUEST).user
    send(org, boss)
    reply = browser_for(guest).post(
        "/invitations/accept", {"token": token_for(GUEST)}, follow=True
    )
    assert "<h1>Ada&#x27;s lab</h1>" in reply.content.decode()
    assert role_in(org, guest) == Role.VIEWER


@pytest.mark.parametrize("has_account", [True, False], ids=["account", "no-account"])
def test_another_person_is_told_so(has_account: bool, org: Org, boss: User) -> None:
    if has_account:
        UserFactory.create(email=GUEST)
    send(org, boss)
    other = browser_for(UserFactory.create())
    form = {"token": token_for(GUEST), "password": PASSWORD}
    for reply in (other.get(link()), other.post("/invitations/accept", form)):
        assert reply.status_code == 403
        assert "This invitation is for somebody else" in reply.content.decode()
    assert Membership.objects.filter(org=org).count() == 1


@pytest.mark.parametrize("token", ["", "obt_x", "obt_inv_0.x:y"])
def test_a_bad_token_is_told(token: str) -> None:
    reply = Client().get("/invitations/accept", {"token": token})
    assert reply.status_code == 400
    assert "This token is not valid" in reply.content.decode()


@pytest.mark.parametrize("name", NASTY.values(), ids=NASTY)
def test_names_of_people_are_inert(name: str, org: Org) -> None:
    user = MembershipFactory.create(org=org, user__name=name).user
    assert is_inert(browser_for(user).get("/account/members").content.decode(), name)


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_addresses_that_are_none_are_inert(text: str, owner: Client) -> None:
    reply = owner.post("/account/invitations", {"email": text, "role": "viewer"})
    assert reply.status_code == 400
    assert is_inert(reply.content.decode(), text)


def test_an_odd_but_right_address_is_inert(owner: Client) -> None:
    odd = "o'brien+{{7}}@example.com"
    owner.post("/account/invitations", {"email": odd, "role": "viewer"})
    assert Invitation.objects.get().email == odd
    assert is_inert(owner.get("/account/members").content.decode(), odd)


def send(org: Org, by: User) -> Invitation:
    return invite(org, email=GUEST, role=Role.VIEWER, by=by, ip=None, now=clock.now())


def link() -> str:
    return f"/invitations/accept?token={token_for(GUEST)}"
