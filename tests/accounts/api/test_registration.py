"""Registering: one answer for everybody, and an account by the mail's token only."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from pytest_django.fixtures import Settings

from accounts.models import Membership, Org, SignUp, User
from batchrouter.kit import clock
from batchrouter.mail.models import Letter
from tests.accounts.api.people import EMAIL, anyone, login, member, register
from tests.factories.accounts import PASSWORD
from tests.support.api_client import error_of
from tests.support.mailbox import Mailbox

pytestmark = pytest.mark.django_db

REGISTER = "/v1/auth/register"
CONFIRM = "/v1/auth/verify-email/confirm"


def post_register(**changes: Any) -> Any:
    body = {"email": EMAIL, "password": PASSWORD, **changes}
    return anyone().post(REGISTER, body)


def nothing_was_made() -> bool:
    return not any(
        model._default_manager.exists() for model in (User, Org, SignUp, Letter)
    )


def test_registering_makes_no_account_until_the_mail_is_answered(
    mailbox: Mailbox,
) -> None:
    token = register(mailbox)
    assert not User.objects.exists()
    reply = anyone().post(CONFIRM, {"token": token})
    assert reply.status_code == 200
    assert reply.json()["user"]["email"] == EMAIL
    assert reply.json()["org"]["name"] == "ada"
    assert Membership.objects.get().role == "owner"
    assert login(EMAIL).status_code == 200


def test_the_organization_gets_the_name_that_was_asked_for(mailbox: Mailbox) -> None:
    assert post_register(org_name="  Analytical Engines ").status_code == 202
    anyone().post(CONFIRM, {"token": mailbox.token(EMAIL)})
    assert Org.objects.get().name == "Analytical Engines"


def test_an_organization_remembers_that_an_agent_made_it(mailbox: Mailbox) -> None:
    reply = anyone().post(
        "/v1/auth/agent-register",
        {"agent_name": "Scout", "email": EMAIL, "password": PASSWORD},
    )
    assert reply.status_code == 202
    confirmed = anyone().post(CONFIRM, {"token": mailbox.token(EMAIL)}).json()
    assert confirmed["org"]["created_by"] == "agent"
    assert confirmed["org"]["agent_name"] == "Scout"


def test_a_known_address_gets_the_same_answer_and_another_mail(
    mailbox: Mailbox,
) -> None:
    known = member().user
    of_known = post_register(email=known.email)
    of_unknown = post_register(email="nobody@example.com")
    assert (of_known.status_code, of_known.json()) == (
        of_unknown.status_code,
        of_unknown.json(),
    )
    letter = mailbox.letters(known.email)[0]
    assert letter.token is None
    assert "already have" in letter.subject
    assert User.objects.count() == 1


def test_a_known_address_keeps_its_password(mailbox: Mailbox) -> None:
    known = member().user
    post_register(email=known.email, password="something else entirely")
    assert login(known.email).status_code == 200
    assert error_of(login(known.email, "something else entirely")) == (
        401,
        "invalid_credentials",
    )


def test_a_token_works_once(mailbox: Mailbox) -> None:
    token = register(mailbox)
    anyone().post(CONFIRM, {"token": token})
    assert error_of(anyone().post(CONFIRM, {"token": token})) == (400, "invalid_token")
    assert User.objects.count() == 1


def test_a_token_ends_after_three_days(mailbox: Mailbox) -> None:
    token = register(mailbox)
    with time_machine.travel(clock.now() + timedelta(days=3, seconds=1)):
        assert error_of(anyone().post(CONFIRM, {"token": token}))[1] == "invalid_token"
    assert not User.objects.exists()


def test_of_two_sign_ups_the_confirmed_one_counts(mailbox: Mailbox) -> None:
    first = register(mailbox)
    post_register(password="another good password")
    second = mailbox.token(EMAIL)
    anyone().post(CONFIRM, {"token": first})
    assert error_of(anyone().post(CONFIRM, {"token": second}))[1] == "invalid_token"
    assert login(EMAIL).status_code == 200


def test_the_password_of_a_sign_up_is_forgotten_once_it_is_confirmed(
    mailbox: Mailbox,
) -> None:
    anyone().post(CONFIRM, {"token": register(mailbox)})
    assert SignUp.objects.get().password == ""


@pytest.mark.parametrize(
    "token",
    [
        "obt_",
        "obt_sgn_00000000000000000000000000.1abcde.AAAA",
        "sgn_00000000000000000000000000",
        "\U0001f511",
    ],
    ids=["empty", "unsigned", "bare id", "emoji"],
)
def test_a_token_that_is_not_ours_is_refused(token: str) -> None:
    assert error_of(anyone().post(CONFIRM, {"token": token})) == (400, "invalid_token")


def test_a_token_for_another_purpose_is_refused(mailbox: Mailbox) -> None:
    known = member().user
    anyone().post("/v1/auth/password/reset", {"email": known.email})
    token = mailbox.token(known.email)
    assert error_of(anyone().post(CONFIRM, {"token": token})) == (400, "invalid_token")


def test_the_confirmation_is_mailed_again_on_request(mailbox: Mailbox) -> None:
    register(mailbox)
    reply = anyone().post("/v1/auth/verify-email/resend", {"email": EMAIL})
    assert reply.status_code == 202
    assert len(mailbox.letters(EMAIL)) == 2
    assert anyone().post(CONFIRM, {"token": mailbox.token(EMAIL)}).status_code == 200


def test_asking_again_for_an_unknown_address_mails_nobody(mailbox: Mailbox) -> None:
    reply = anyone().post("/v1/auth/verify-email/resend", {"email": EMAIL})
    assert reply.status_code == 202
    assert mailbox.letters() == []


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ada",
        "ada@",
        "@example.com",
        "ada@localhost",
        "ada@example.com\nBcc: eve@example.com",
        "a" * 250 + "@x.io",
        "\u0430da@example.com",
        "ada@ex\u0430mple.com",
        "ada\u200b@example.com",
        "\uff41da@example.com",
    ],
    ids=[
        "empty",
        "no at",
        "no domain",
        "no name",
        "no dot",
        "header injection",
        "over-long",
        "cyrillic name",
        "cyrillic domain",
        "zero width",
        "full width",
    ],
)
def test_what_is_no_address_is_refused(email: str) -> None:
    reply = post_register(email=email)
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == "email"
    assert nothing_was_made()


@pytest.mark.parametrize(
    "password",
    [
        "tiny one",
        "password123",
        "1234567890123",
        "adaexample",
        "x" * 1025,
        "a\0bcdefghijkl",
    ],
    ids=["short", "common", "digits", "like the address", "over-long", "NUL"],
)
def test_a_weak_password_is_refused(password: str) -> None:
    reply = post_register(password=password, email="ada.example@example.com")
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] in {"password", None}
    assert password not in reply.content.decode()
    assert nothing_was_made()


@pytest.mark.parametrize("value", [7, True, [], {}, None], ids=str)
@pytest.mark.parametrize("field", ["email", "password", "org_name"])
def test_a_field_of_another_type_is_refused(field: str, value: Any) -> None:
    if field == "org_name" and value is None:
        pytest.skip("a name may be left out")
    assert post_register(**{field: value}).status_code == 400
    assert nothing_was_made()


def test_a_field_that_is_not_known_is_refused_by_name() -> None:
    reply = post_register(is_staff=True)
    assert error_of(reply) == (400, "unknown_field")
    assert reply.json()["error"]["param"] == "is_staff"
    assert nothing_was_made()


def test_without_mail_nobody_can_sign_up(settings: Settings) -> None:
    settings.MAIL_DIR, settings.RESEND_API_KEY = None, ""
    assert error_of(post_register()) == (503, "signup_unavailable")
    assert nothing_was_made()


def test_mails_to_one_address_are_limited_whether_or_not_it_is_known(
    settings: Settings,
) -> None:
    settings.MAIL_PER_ADDRESS_HOURLY = 2
    known = member().user.email
    for address in (known, "nobody@example.com"):
        assert [post_register(email=address).status_code for _ in range(3)] == [
            202,
            202,
            429,
        ]
    refused = post_register(email=known)
    assert error_of(refused) == (429, "rate_limited")
    assert int(refused["Retry-After"]) > 0
    assert SignUp.objects.count() == 4
