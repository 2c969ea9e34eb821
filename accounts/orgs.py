"""Organizations and who owns them."""

from django.db import transaction

from accounts.addresses import read_address
from accounts.models import Membership, Org, Role, User
from accounts.signals import org_opened
from batchrouter.kit.errors import InvalidRequest

NAME_MAX = 120
# A day is the shortest that a customer can rely on to fetch results.
RETENTION_DAYS_MIN = 1
RETENTION_DAYS_MAX = 365


def read_name(text: str, *, param: str = "name", longest: int = NAME_MAX) -> str:
    """Return a name without outer spaces.

    Raises:
        InvalidRequest: empty, too long, or with control characters.
    """
    name = text.strip()
    if not 1 <= len(name) <= longest:
        raise InvalidRequest(f"A name has 1 to {longest} characters.", param=param)
    if not name.isprintable():
        raise InvalidRequest("A name holds no control characters.", param=param)
    return name


@transaction.atomic
def open_org(*, name: str, owner: User, agent_name: str = "") -> Membership:
    """Make an organization and its owner's membership, and tell who wants to know."""
    org = Org.objects.create(name=name, agent_name=agent_name)
    membership = Membership.objects.create(user=owner, org=org, role=Role.OWNER)
    org_opened.send(sender=Org, org=org)
    return membership


@transaction.atomic
def create_org(*, name: str, owner_email: str) -> Membership:
    """Create an organization and its owner, who may exist already.

    A new owner has no password and cannot log in until one is set.

    Raises:
        InvalidRequest: an empty or too long name, or not an address.
    """
    name, address = read_name(name), read_address(owner_email)
    owner = User.objects.filter(email=address).first()
    if owner is None:
        owner = User.objects.create_user(address)
    return open_org(name=name, owner=owner)


def rename_org(org: Org, name: str) -> None:
    """Give an organization another name.

    Raises:
        InvalidRequest: an empty or too long name.
    """
    org.name = read_name(name)
    org.save(update_fields=["name"])


def keep_content(org: Org, days: int | None) -> None:
    """Set how long content is kept after a batch has ended; None is the server's own.

    Raises:
        InvalidRequest: not 1 to 365 days.
    """
    is_days = type(days) is int and RETENTION_DAYS_MIN <= days <= RETENTION_DAYS_MAX
    if days is not None and not is_days:
        raise InvalidRequest(
            f"retention_days is {RETENTION_DAYS_MIN} to {RETENTION_DAYS_MAX}, or null.",
            param="retention_days",
        )
    org.retention_days = days
    org.save(update_fields=["retention_days"])
