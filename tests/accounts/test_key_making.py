"""Keys that a person makes: within the person's own scopes."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.authentication import ROLE_SCOPES, Caller
from accounts.key_making import KeyWish, make_key, replace_key
from accounts.models import ApiKey, Role, Scope
from accounts.permissions import ScopeRequired
from batchrouter.kit.errors import InvalidRequest
from tests.factories.accounts import ApiKeyFactory, MembershipFactory

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def person(role: Role) -> Caller:
    place = MembershipFactory.create(role=role)
    return Caller(
        org=place.org,
        user=place.user,
        key=None,
        scopes=ROLE_SCOPES[role],
        auth_method="session",
        role=role,
    )


def test_a_person_hands_on_no_scope_that_they_lack() -> None:
    wish = KeyWish(name="ci", scopes=("read", "billing"))
    with pytest.raises(ScopeRequired) as refused:
        make_key(person(Role.MEMBER), wish, now=NOON)
    assert refused.value.details == {"scope": "billing"}
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("role", Role)
def test_a_key_has_the_usual_scopes_that_its_maker_has(role: Role) -> None:
    caller = person(role)
    made = make_key(caller, KeyWish(name="ci"), now=NOON)
    assert set(made.row.scopes) == caller.scopes - {Scope.ADMIN}
    assert made.row.created_by == caller.user


def test_a_person_rotates_no_key_that_may_do_more() -> None:
    caller = person(Role.MEMBER)
    key = ApiKeyFactory.create(org=caller.org)
    with pytest.raises(ScopeRequired):
        replace_key(caller, key, overlap=timedelta(0), now=NOON)
    assert ApiKey.objects.get().expires_at is None


def test_a_key_that_is_over_already_is_not_made() -> None:
    with pytest.raises(InvalidRequest) as refused:
        make_key(person(Role.OWNER), KeyWish(name="ci", expires_at=NOON), now=NOON)
    assert refused.value.param == "expires_at"
    assert not ApiKey.objects.exists()
