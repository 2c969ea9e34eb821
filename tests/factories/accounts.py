"""People and organizations for tests."""

# mypy: allow-untyped-calls
# factory_boy's declarations carry no types.

from collections import abc
from typing import Any

from factory.declarations import LazyFunction, Sequence, SubFactory
from factory.django import DjangoModelFactory, Password

from accounts.keys import NewKey, create_key
from accounts.models import (
    ApiKey,
    Invitation,
    Membership,
    Org,
    Role,
    Scope,
    User,
)
from accounts.tokens import LIFETIMES, Purpose
from batchrouter.kit import clock

PASSWORD = "correct horse battery staple"


class UserFactory(DjangoModelFactory[User]):
    """A person with an address and a password."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    email = Sequence(lambda number: f"person{number}@example.com")
    name = Sequence(lambda number: f"Person {number}")
    password = Password(PASSWORD)


class OrgFactory(DjangoModelFactory[Org]):
    """A customer without members or credits."""

    class Meta:
        model = Org

    name = Sequence(lambda number: f"Org {number}")


class MembershipFactory(DjangoModelFactory[Membership]):
    """A person as the owner of an organization."""

    class Meta:
        model = Membership

    user = SubFactory(UserFactory)
    org = SubFactory(OrgFactory)
    role = Role.OWNER


class InvitationFactory(DjangoModelFactory[Invitation]):
    """An open offer to be a member."""

    class Meta:
        model = Invitation

    org = SubFactory(OrgFactory)
    email = Sequence(lambda number: f"guest{number}@example.com")
    expires_at = LazyFunction(lambda: clock.now() + LIFETIMES[Purpose.INVITATION])


class ApiKeyFactory(DjangoModelFactory[ApiKey]):
    """A live key with every scope; see :func:`make_key` for its secret."""

    class Meta:
        model = ApiKey

    org = SubFactory(OrgFactory)
    name = "test"
    scopes = LazyFunction(lambda: list(Scope.values))

    @classmethod
    def _create(cls, model_class: type[ApiKey], *args: Any, **kwargs: Any) -> ApiKey:
        return create_key(*args, **kwargs).row


def make_key(
    org: Org, *, scopes: abc.Sequence[str] | None = None, **more: Any
) -> NewKey:
    """Make a key with every scope, or with these; ``.secret`` is its text."""
    wanted = list(Scope.values) if scopes is None else scopes
    return create_key(org=org, name="test", scopes=wanted, **more)
