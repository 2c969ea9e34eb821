import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import ApiKey, User
from accounts.passwords import reset_password
from accounts.session_tokens import issue_token
from accounts.tokens import make_reset_token
from batchrouter.kit import clock
from tests.factories.accounts import (
    PASSWORD,
    InvitationFactory,
    MembershipFactory,
    OrgFactory,
    UserFactory,
    make_key,
)
from tests.support.meanwhile import meanwhile
from tests.support.operators import log_in_operator, operator_client

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> Client:
    return operator_client()


def test_a_person_who_is_not_staff_does_not_get_in() -> None:
    visitor = Client()
    visitor.force_login(UserFactory.create())
    assert visitor.get("/admin/accounts/apikey/").status_code == 302


def test_an_operator_sees_a_key_but_neither_secret_nor_digest(operator: Client) -> None:
    made = make_key(OrgFactory.create())
    page = operator.get(f"/admin/accounts/apikey/{made.row.pk}/change/")
    text = page.content.decode()
    assert page.status_code == 200
    assert made.row.prefix in text
    assert made.secret not in text
    assert bytes(made.row.digest).hex() not in text


def test_an_operator_cannot_make_a_key(operator: Client) -> None:
    assert operator.get("/admin/accounts/apikey/add/").status_code == 403
    assert not ApiKey.objects.exists()


def test_an_operator_does_not_see_a_password(operator: Client) -> None:
    user = UserFactory.create()
    page = operator.get(f"/admin/accounts/user/{user.pk}/change/")
    assert page.status_code == 200
    assert User.objects.get(pk=user.pk).password not in page.content.decode()
    assert PASSWORD not in page.content.decode()


def act(operator: Client, model: str, action: str, *keys: int) -> int:
    """Choose rows of a list and an action, and return the status."""
    form = {"action": action, "_selected_action": keys}
    return operator.post(f"/admin/accounts/{model}/", form).status_code


def test_an_operator_revokes_keys(operator: Client) -> None:
    ended, kept = make_key(OrgFactory.create()).row, make_key(OrgFactory.create()).row
    assert act(operator, "apikey", "revoke", ended.pk) == 302
    ended.refresh_from_db()
    kept.refresh_from_db()
    assert ended.revoked_at is not None
    assert kept.revoked_at is None


def test_an_operator_sees_what_a_key_has_spent(operator: Client) -> None:
    made = make_key(OrgFactory.create(), spend_limit_nanousd=25_500_000_000)
    for path in ("", f"{made.row.pk}/change/"):
        page = operator.get(f"/admin/accounts/apikey/{path}").content.decode()
        assert "0.00 of 25.50" in page


def test_an_operator_suspends_an_organization_and_lets_it_in_again(
    operator: Client,
) -> None:
    org = OrgFactory.create()
    act(operator, "org", "suspend", org.pk)
    org.refresh_from_db()
    assert org.is_suspended
    act(operator, "org", "resume", org.pk)
    org.refresh_from_db()
    assert not org.is_suspended


def test_a_form_of_an_organization_does_not_lift_its_suspension(
    operator: Client,
) -> None:
    org = OrgFactory.create(name="Old name", is_suspended=True)
    form = {
        "name": "New name",
        "membership_set-TOTAL_FORMS": 0,
        "membership_set-INITIAL_FORMS": 0,
    }
    page = operator.get(f"/admin/accounts/org/{org.pk}/change/")
    given = page.context["adminform"].form.initial
    sent = {name: "" if value is None else value for name, value in given.items()}
    reply = operator.post(f"/admin/accounts/org/{org.pk}/change/", sent | form)
    assert reply.status_code == 302, reply.context["errors"]
    org.refresh_from_db()
    assert (org.name, org.is_suspended) == ("New name", True)


def test_who_may_only_look_at_keys_and_organizations_ends_none() -> None:
    looker = UserFactory.create(is_staff=True)
    looker.user_permissions.set(
        Permission.objects.filter(codename__in=["view_apikey", "view_org"])
    )
    visitor = Client()
    log_in_operator(visitor, looker)
    key = make_key(OrgFactory.create()).row
    assert visitor.get("/admin/accounts/apikey/").status_code == 200
    act(visitor, "apikey", "revoke", key.pk)
    act(visitor, "org", "suspend", key.org_id)
    key.refresh_from_db()
    assert key.revoked_at is None
    assert not key.org.is_suspended


def test_an_operator_sees_invitations_and_session_tokens_without_secrets(
    operator: Client,
) -> None:
    place = MembershipFactory.create()
    offer = InvitationFactory.create(org=place.org)
    token = issue_token(
        user=place.user, org=place.org, ip=None, user_agent="", now=clock.now()
    )
    invitation = operator.get(f"/admin/accounts/invitation/{offer.pk}/change/")
    session = operator.get(f"/admin/accounts/sessiontoken/{token.row.pk}/change/")
    assert offer.email in invitation.content.decode()
    text = session.content.decode()
    assert token.row.public_id in text
    assert token.row.digest.hex() not in text
    assert token.row.auth_hash not in text


@pytest.mark.parametrize("model", ["apikey", "invitation", "sessiontoken"])
def test_an_operator_makes_none_of_them(operator: Client, model: str) -> None:
    assert operator.get(f"/admin/accounts/{model}/").status_code == 200
    assert operator.get(f"/admin/accounts/{model}/add/").status_code == 403


def test_an_operator_deletes_neither_keys_nor_organizations(operator: Client) -> None:
    key = make_key(OrgFactory.create()).row
    for model, pk in (("apikey", key.pk), ("org", key.org_id)):
        path = f"/admin/accounts/{model}/{pk}/delete/"
        assert operator.post(path, {"post": "yes"}).status_code == 403
    assert ApiKey.objects.filter(pk=key.pk).exists()


@pytest.mark.usefixtures("committed_db", "mailbox")
def test_a_person_who_is_saved_keeps_a_password_that_was_set_meanwhile() -> None:
    person = UserFactory.create()
    operator = operator_client()

    with meanwhile(
        lambda: reset_password(
            make_reset_token(person), "nine lives and a lantern", now=clock.now()
        ),
        # Once the form looks whether the address is free, the row was read.
        after='LOWER("accounts_user"."email")',
    ) as other:
        reply = operator.post(
            f"/admin/accounts/user/{person.pk}/change/",
            {"email": person.email, "name": "Ada", "is_active": "on"},
        )

    assert (reply.status_code, other.error) == (302, None)
    saved = User.objects.get(pk=person.pk)
    assert saved.name == "Ada"
    assert saved.check_password("nine lives and a lantern")
