"""The page of the account."""

import pytest
from django.test import Client

from accounts.models import Org, Role, User
from tests.console.made import browser_of
from tests.console.mail import NASTY, is_inert, letters_to, token_for
from tests.factories.accounts import MembershipFactory, OrgFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return MembershipFactory.create(
        user__email="ada@example.com", org__name="Ada's lab"
    ).user


@pytest.fixture
def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_the_account_shows_who_and_for_whom(browser: Client) -> None:
    body = browser.get("/account").content.decode()
    assert "ada@example.com" in body
    assert "Ada&#x27;s lab" in body
    assert 'href="/account/two-factor"' in body


def test_another_address_waits_for_its_mail(browser: Client, user: User) -> None:
    browser.post("/account/email", {"email": "new@example.com"})
    user.refresh_from_db()
    assert user.email == "ada@example.com"
    assert letters_to("new@example.com") == ["email_change"]


def test_following_the_link_does_not_change_the_address(
    browser: Client, user: User
) -> None:
    browser.post("/account/email", {"email": "new@example.com"})
    link = {"token": token_for("new@example.com")}
    assert Client().get("/account/email/confirm", link).status_code == 200
    user.refresh_from_db()
    assert user.email == "ada@example.com"


def test_the_button_changes_the_address(browser: Client, user: User) -> None:
    browser.post("/account/email", {"email": "new@example.com"})
    form = {"token": token_for("new@example.com")}
    reply = browser.post("/account/email/confirm", form, follow=True)
    assert "Your address is new@example.com from now on." in reply.content.decode()
    user.refresh_from_db()
    assert user.email == "new@example.com"
    assert letters_to("ada@example.com") == ["email_changed"]


def test_an_address_that_was_taken_meanwhile_is_refused(
    browser: Client, user: User
) -> None:
    browser.post("/account/email", {"email": "new@example.com"})
    token = token_for("new@example.com")
    UserFactory.create(email="new@example.com")
    reply = browser.post("/account/email/confirm", {"token": token})
    assert reply.status_code == 409
    user.refresh_from_db()
    assert user.email == "ada@example.com"


def test_a_broken_address_stands_beside_its_field(browser: Client) -> None:
    reply = browser.post("/account/email", {"email": "not one"})
    body = reply.content.decode()
    assert reply.status_code == 400
    assert 'id="email-email_error"' in body
    assert 'value="not one"' in body


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN])
def test_owners_and_admins_rename(role: str) -> None:
    org = OrgFactory.create()
    browser_of(org, role).post("/account/name", {"name": "New name"})
    org.refresh_from_db()
    assert org.name == "New name"


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_members_and_viewers_do_not_rename(role: str) -> None:
    org = OrgFactory.create(name="Old name")
    browser = browser_of(org, role)
    assert 'action="/account/name"' not in browser.get("/account").content.decode()
    assert browser.post("/account/name", {"name": "New"}).status_code == 403
    org.refresh_from_db()
    assert org.name == "Old name"


def test_a_name_that_is_too_long_is_kept_to_be_mended(browser: Client) -> None:
    long = "x" * 121
    reply = browser.post("/account/name", {"name": long})
    assert reply.status_code == 400
    assert f'value="{long}"' in reply.content.decode()
    assert Org.objects.get().name == "Ada's lab"


@pytest.mark.parametrize(
    ("typed", "kept"), [("7", 7), ("365", 365), ("", None)], ids=["week", "year", "own"]
)
def test_owners_say_how_long_content_is_kept(
    typed: str, kept: int | None, browser: Client
) -> None:
    Org.objects.update(retention_days=90)
    reply = browser.post("/account/retention", {"retention_days": typed}, follow=True)
    assert Org.objects.get().retention_days == kept
    assert f'value="{typed}"' in reply.content.decode() or not typed


@pytest.mark.parametrize("typed", ["0", "366", "-1", "1.5", "soon", "9" * 400])
def test_a_retention_that_makes_no_sense_is_refused(
    typed: str, browser: Client
) -> None:
    Org.objects.update(retention_days=90)
    reply = browser.post("/account/retention", {"retention_days": typed})
    body = reply.content.decode()
    assert reply.status_code == 400
    assert 'id="retention-retention_days_error"' in body
    assert f'value="{typed}"' in body
    assert Org.objects.get().retention_days == 90


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_members_and_viewers_only_read_the_retention(role: str) -> None:
    org = OrgFactory.create(retention_days=9)
    browser = browser_of(org, role)
    body = browser.get("/account").content.decode()
    assert "<strong>9 days</strong>" in body
    assert 'action="/account/retention"' not in body
    form = {"retention_days": "1"}
    assert browser.post("/account/retention", form).status_code == 403
    org.refresh_from_db()
    assert org.retention_days == 9


def test_a_person_switches_between_their_organizations(
    browser: Client, user: User
) -> None:
    other = MembershipFactory.create(user=user, org__name="The other one").org
    assert "The other one" not in browser.get("/").content.decode()
    reply = browser.post("/account/org", {"org_id": other.public_id}, follow=True)
    assert "<h1>The other one</h1>" in reply.content.decode()
    assert '<p class="crumb soft">The other one</p>' in (
        browser.get("/billing").content.decode()
    )


def test_nobody_switches_to_an_organization_of_others(browser: Client) -> None:
    foreign = OrgFactory.create(name="Foreign")
    assert (
        browser.post("/account/org", {"org_id": foreign.public_id}).status_code == 404
    )
    assert "Foreign" not in browser.get("/").content.decode()


def test_somebody_who_was_removed_falls_back_to_their_own(
    browser: Client, user: User
) -> None:
    other = MembershipFactory.create(user=user, org__name="The other one")
    browser.post("/account/org", {"org_id": other.org.public_id})
    browser.get("/")
    other.delete()
    # Nothing is changed for the other organization before they have seen its pages.
    assert browser.post("/account/name", {"name": "Renamed"}).status_code == 403
    page = browser.get("/").content.decode()
    assert "<h1>Ada&#x27;s lab</h1>" in page
    assert "do not belong to the organization you acted for any more" in page


def test_a_person_without_an_organization_still_has_an_account() -> None:
    client = Client()
    client.force_login(UserFactory.create())
    reply = client.get("/account")
    assert reply.status_code == 200
    assert "You belong to no organization." in reply.content.decode()


@pytest.mark.parametrize("path", ["/account/email", "/account/password"])
def test_addresses_of_forms_lead_to_the_page(path: str, browser: Client) -> None:
    assert browser.get(path)["Location"] == "/account"


@pytest.mark.parametrize("name", NASTY.values(), ids=NASTY)
def test_names_of_organizations_are_inert(name: str) -> None:
    member = MembershipFactory.create(org__name=name)
    MembershipFactory.create(user=member.user, org__name=name)
    client = Client()
    client.force_login(member.user)
    for path in ("/", "/account", "/account/keys", "/account/members"):
        assert is_inert(client.get(path).content.decode(), name), path
