"""Organizations and who owns them."""

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from accounts.models import Membership, Org, Role, User
from batchrouter.kit.errors import InvalidRequest

_NAME_MAX = 120


@transaction.atomic
def create_org(*, name: str, owner_email: str) -> Membership:
    """Create an organization and its owner, who may exist already.

    A new owner has no password and cannot log in until one is set.

    Raises:
        InvalidRequest: an empty or too long name, or not an address.
    """
    name = name.strip()
    if not 1 <= len(name) <= _NAME_MAX:
        raise InvalidRequest(f"A name has 1 to {_NAME_MAX} characters.", param="name")
    try:
        validate_email(owner_email)
    except ValidationError as error:
        raise InvalidRequest(
            f"{owner_email!r} is not an e-mail address.", param="email"
        ) from error
    org = Org.objects.create(name=name)
    owner = User.objects.filter(email=owner_email.lower()).first()
    if owner is None:
        owner = User.objects.create_user(owner_email)
    return Membership.objects.create(user=owner, org=org, role=Role.OWNER)
