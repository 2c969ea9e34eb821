"""People and organizations for tests."""

# mypy: allow-untyped-calls
# factory_boy's declarations carry no types.

from factory.declarations import Sequence, SubFactory
from factory.django import DjangoModelFactory, Password

from accounts.models import Membership, Org, Role, User

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
