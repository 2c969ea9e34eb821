"""Two at once on one account: the second hears what the first has done."""

import pytest

from accounts.addresses import (
    AddressTaken,
    ask_to_change_address,
    confirm_address_change,
)
from accounts.invitations import accept_invitation
from accounts.models import EmailChange, Membership, SessionToken, SignUp, User
from accounts.passwords import WrongPassword, change_password, reset_password
from accounts.sign_up import ask_to_sign_up, confirm_sign_up
from accounts.tokens import InvalidToken, Purpose, make_reset_token, make_token
from batchrouter.kit import clock
from tests.accounts.api.people import EMAIL, NEW_PASSWORD, by_token, member
from tests.factories.accounts import PASSWORD, InvitationFactory, UserFactory
from tests.support.api_client import error_of
from tests.support.meanwhile import meanwhile

pytestmark = pytest.mark.usefixtures("committed_db", "mailbox")


def test_a_change_by_the_old_password_does_not_undo_a_reset() -> None:
    person = UserFactory.create()
    seen_before = User.objects.get(pk=person.pk)
    reset_password(make_reset_token(person), NEW_PASSWORD, now=clock.now())
    with pytest.raises(WrongPassword):
        change_password(
            seen_before, current=PASSWORD, new="a thief's own words", now=clock.now()
        )
    assert User.objects.get().check_password(NEW_PASSWORD)


def test_of_two_sign_ups_confirmed_at_once_one_makes_the_account() -> None:
    for _ in range(2):
        ask_to_sign_up(email=EMAIL, password=PASSWORD, ip=None, now=clock.now())
    first, second = (
        make_token(Purpose.SIGN_UP, wish.public_id)
        for wish in SignUp.objects.order_by("pk")
    )
    with meanwhile(
        lambda: confirm_sign_up(second, now=clock.now()),
        after='INSERT INTO "accounts_user"',
    ) as other:
        confirm_sign_up(first, now=clock.now())
    assert isinstance(other.error, InvalidToken)
    assert Membership.objects.get().user.email == EMAIL


def test_a_sign_up_beside_a_change_to_its_address_hears_that_it_is_taken() -> None:
    person = UserFactory.create()
    ask_to_sign_up(email=EMAIL, password=PASSWORD, ip=None, now=clock.now())
    ask_to_change_address(person, EMAIL, ip=None, now=clock.now())
    change = EmailChange.objects.get()
    with (
        meanwhile(
            lambda: confirm_address_change(
                make_token(Purpose.EMAIL_CHANGE, change.public_id), now=clock.now()
            ),
            after='FROM "accounts_user"',
        ) as other,
        pytest.raises(AddressTaken),
    ):
        confirm_sign_up(
            make_token(Purpose.SIGN_UP, SignUp.objects.get().public_id),
            now=clock.now(),
        )
    assert other.error is None
    assert User.objects.get().email == EMAIL


def test_an_invitation_beside_a_sign_up_of_its_address_makes_one_account() -> None:
    place = InvitationFactory.create(email=EMAIL)
    ask_to_sign_up(email=EMAIL, password=PASSWORD, ip=None, now=clock.now())
    wish = SignUp.objects.get()
    with meanwhile(
        lambda: confirm_sign_up(
            make_token(Purpose.SIGN_UP, wish.public_id), now=clock.now()
        ),
        after='INSERT INTO "accounts_user"',
    ) as other:
        accept_invitation(
            make_token(Purpose.INVITATION, place.public_id),
            visitor=None,
            password=NEW_PASSWORD,
            name="",
            now=clock.now(),
        )
    assert isinstance(other.error, InvalidToken)
    assert User.objects.get(email=EMAIL).check_password(NEW_PASSWORD)


def test_two_changes_of_address_confirmed_at_once_end_in_one_of_them() -> None:
    person = UserFactory.create()
    for name in ("one", "two"):
        address = f"{name}@example.com"
        ask_to_change_address(person, address, ip=None, now=clock.now())
    first, second = (
        make_token(Purpose.EMAIL_CHANGE, change.public_id)
        for change in EmailChange.objects.order_by("pk")
    )
    with meanwhile(
        lambda: confirm_address_change(second, now=clock.now()),
        after='UPDATE "accounts_user"',
    ) as other:
        confirm_address_change(first, now=clock.now())
    assert isinstance(other.error, InvalidToken)
    assert User.objects.get().email == "one@example.com"


def test_a_login_that_ends_while_it_changes_its_organization_is_refused() -> None:
    person = member()
    agent = by_token(person)
    with meanwhile(
        lambda: SessionToken.objects.all().delete(), after='FROM "accounts_membership"'
    ):
        reply = agent.patch("/v1/auth/session", {"org_id": person.org.public_id})
    assert error_of(reply) == (401, "invalid_session_token")
