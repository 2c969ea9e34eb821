"""What is known costs the same work as what is not: hashes and queries.

Times are measured by ``proofs/equal_time.py``; here is why they come out equal.
"""

from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from accounts.models import SignUp
from tests.architecture.hashers import CountingHasher
from tests.factories.accounts import PASSWORD, MembershipFactory
from tests.support.api_client import ApiClient
from tests.support.mailbox import Mailbox

pytestmark = pytest.mark.django_db

KNOWN, UNKNOWN, WAITING = "ada@example.com", "eve@example.com", "joan@example.com"
CLOSED, WITHOUT_PASSWORD = "closed@example.com", "without@example.com"
HASHERS = "tests.architecture.hashers"


def hash_with(settings: Settings, name: str) -> None:
    settings.PASSWORD_HASHERS = [f"{HASHERS}.{name}"]


def make_people() -> None:
    """Make somebody of each kind."""
    MembershipFactory.create(user__email=KNOWN)
    MembershipFactory.create(user__email=CLOSED, user__is_active=False)
    lost = MembershipFactory.create(user__email=WITHOUT_PASSWORD).user
    lost.set_unusable_password()
    lost.save()
    SignUp.objects.create(
        email=WAITING, password=make_password(PASSWORD), org_name="Org"
    )


def login(email: str, password: str = "a wrong but decent one") -> Any:
    body = {"email": email, "password": password}
    return ApiClient().post("/v1/auth/login", body)


def hashes_of_login(email: str, password: str = "a wrong but decent one") -> int:
    before = CountingHasher.computed
    login(email, password)
    return CountingHasher.computed - before


@pytest.mark.parametrize(
    "email", [KNOWN, UNKNOWN, WAITING, CLOSED, WITHOUT_PASSWORD], ids=str
)
def test_a_wrong_login_computes_one_hash_whoever_it_names(
    email: str, settings: Settings
) -> None:
    hash_with(settings, "CountingHasher")
    make_people()
    login("first@example.com")  # a process makes the hash of nobody's once
    assert hashes_of_login(email) == 1


@pytest.mark.parametrize("email", [KNOWN, WAITING, CLOSED], ids=str)
def test_a_right_login_computes_one_hash_as_well(
    email: str, settings: Settings
) -> None:
    hash_with(settings, "CountingHasher")
    make_people()
    login("first@example.com")
    assert hashes_of_login(email, PASSWORD) == 1


@pytest.mark.parametrize(
    ("hasher", "email"), [("FreshHasher", KNOWN), ("OtherFreshHasher", UNKNOWN)]
)
def test_the_first_login_of_a_process_computes_two_whoever_it_names(
    hasher: str, email: str, settings: Settings
) -> None:
    hash_with(settings, hasher)
    make_people()
    assert hashes_of_login(email) == 2


@pytest.mark.parametrize("email", [KNOWN, UNKNOWN, WAITING], ids=str)
def test_registering_computes_one_hash_whoever_it_names(
    email: str, settings: Settings, mailbox: Mailbox
) -> None:
    hash_with(settings, "CountingHasher")
    make_people()
    before = CountingHasher.computed
    body = {"email": email, "password": PASSWORD}
    assert ApiClient().post("/v1/auth/register", body).status_code == 202
    assert CountingHasher.computed - before == 1


DOORS = {
    "/v1/auth/login": {"password": "a wrong but decent one"},
    "/v1/auth/register": {"password": PASSWORD},
    "/v1/auth/password/reset": {},
    "/v1/auth/verify-email/resend": {},
}


@pytest.mark.parametrize("email", [KNOWN, WAITING, CLOSED], ids=str)
@pytest.mark.parametrize("door", DOORS)
def test_a_known_address_costs_the_queries_of_an_unknown_one(
    door: str,
    email: str,
    mailbox: Mailbox,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    make_people()
    with CaptureQueriesContext(connection) as unknown:
        of_unknown = ApiClient().post(door, {"email": UNKNOWN, **DOORS[door]})
    with django_assert_num_queries(len(unknown)):
        of_known = ApiClient().post(door, {"email": email, **DOORS[door]})
    assert len(unknown) > 0
    assert of_known.status_code == of_unknown.status_code
