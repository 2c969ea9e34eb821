"""What operators type."""

from datetime import UTC, datetime
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command

from accounts.authentication import caller_of_key
from accounts.models import ApiKey, Membership, Org, Role, User
from tests.factories.accounts import OrgFactory, UserFactory

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> list[str]:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue().splitlines()


@pytest.fixture
def org() -> Org:
    return OrgFactory.create(name="Acme")


def make_key(org: Org, *more: str) -> list[str]:
    return run("create_api_key", org.public_id, "--name", "ci", *more)


# --- create_org ---


def test_creates_an_organization_and_its_owner() -> None:
    said = run("create_org", " Acme ", "Ada@acme.example")
    made = Membership.objects.get()
    assert (made.org.name, made.role) == ("Acme", Role.OWNER)
    assert made.user.email == "ada@acme.example"
    assert said == [
        f"organization {made.org.public_id} Acme",
        f"owner {made.user.public_id} ada@acme.example",
    ]


def test_a_new_owner_has_no_password() -> None:
    run("create_org", "Acme", "ada@acme.example")
    assert not User.objects.get().has_usable_password()


def test_a_person_may_own_several_organizations() -> None:
    user = UserFactory.create(email="ada@acme.example")
    password = user.password
    run("create_org", "Acme", "ADA@acme.example")
    run("create_org", "Acme Two", "ada@acme.example")
    assert [row.user for row in Membership.objects.all()] == [user, user]
    user.refresh_from_db()
    assert user.password == password


@pytest.mark.parametrize(
    ("name", "email", "said"),
    [
        ("", "ada@acme.example", "1 to 120 characters"),
        ("  ", "ada@acme.example", "1 to 120 characters"),
        ("a" * 121, "ada@acme.example", "1 to 120 characters"),
        ("Acme", "ada", "That is not an email address"),
        ("Acme", "", "That is not an email address"),
    ],
)
def test_refuses_a_bad_name_or_address(name: str, email: str, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        run("create_org", name, email)
    assert not Org.objects.exists()
    assert not User.objects.exists()


# --- create_api_key ---


def test_creates_a_key_whose_secret_works(org: Org) -> None:
    said = make_key(org)
    caller = caller_of_key(said[-1])
    assert caller.org == org
    assert caller.key == ApiKey.objects.get()


def test_says_which_key_it_made_and_shows_the_secret_once(org: Org) -> None:
    said = make_key(org, "--scopes", "quote,submit")
    row = ApiKey.objects.get()
    assert said[:2] == [
        f"{row.public_id} for Acme ({org.public_id}): quote, submit",
        "The secret, shown this once:",
    ]
    assert len(said) == 3
    assert row.name == "ci"


def test_a_key_may_do_all_but_administer_when_no_scopes_are_named(org: Org) -> None:
    make_key(org)
    assert "admin" not in ApiKey.objects.get().scopes
    assert len(ApiKey.objects.get().scopes) == 5


@pytest.mark.parametrize(("more", "is_test"), [([], False), (["--test"], True)])
def test_a_key_is_for_the_sandbox_when_asked(
    org: Org, more: list[str], *, is_test: bool
) -> None:
    secret = make_key(org, *more)[-1]
    assert secret.startswith("ob_test_" if is_test else "ob_live_")
    assert ApiKey.objects.get().is_test is is_test


def test_a_key_works_through_its_last_day(org: Org) -> None:
    with time_machine.travel("2026-11-22T12:00:00Z", tick=False):
        make_key(org, "--expires", "2026-11-22")
    assert ApiKey.objects.get().expires_at == datetime(2026, 11, 23, tzinfo=UTC)


def test_a_key_has_the_spend_limit_that_was_asked_for(org: Org) -> None:
    make_key(org, "--spend-limit", "25.5")
    limit = ApiKey.objects.get().spend_limit
    assert limit is not None
    assert limit.limit_nanousd == 25_500_000_000


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--scopes", "read,everything"], "Unknown scope 'everything'"),
        (["--scopes", ""], "Unknown scope ''"),
        (["--expires", "2026-11-21"], "--expires is over already"),
        (["--expires", "soon"], "'soon' is not a date"),
        (["--spend-limit", "0"], "a spend limit is above zero"),
        (["--spend-limit", "many"], "'many' is not a decimal"),
    ],
)
def test_refuses_bad_options(org: Org, more: list[str], said: str) -> None:
    with (
        time_machine.travel("2026-11-22T12:00:00Z", tick=False),
        pytest.raises(CommandError, match=said),
    ):
        make_key(org, *more)
    assert not ApiKey.objects.exists()


def test_refuses_an_organization_that_is_not_there() -> None:
    with pytest.raises(CommandError, match="there is no organization org_nobody"):
        run("create_api_key", "org_nobody", "--name", "ci")


def test_refuses_a_name_that_is_too_long(org: Org) -> None:
    with pytest.raises(CommandError, match="1 to 80 characters"):
        run("create_api_key", org.public_id, "--name", "a" * 81)
