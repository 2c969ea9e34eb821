"""For which of their organizations a person acts."""

from accounts.models import Membership, User
from batchrouter.kit.errors import NotFound

# Where a cookie's session remembers the choice: an organization's public id.
SESSION_ORG = "acting_org"


def memberships_of(user: User) -> list[Membership]:
    """Return a person's places, oldest first; suspended organizations left out."""
    return list(
        Membership.objects.select_related("org")
        .filter(user=user, org__is_suspended=False)
        .order_by("id")
    )


def acting_membership(user: User, org_id: str | None) -> Membership | None:
    """Return the place a person acts from: the chosen one, or without one the oldest.

    None where they have no place, or no longer the chosen one: who was removed from an
    organization must not go on for another without knowing.
    """
    found = memberships_of(user)
    if org_id:
        return next((each for each in found if each.org.public_id == org_id), None)
    return found[0] if found else None


def choose_org(user: User, org_id: str) -> Membership:
    """Return a person's place in an organization that they want to act for.

    Raises:
        NotFound: they have none there.
    """
    for each in memberships_of(user):
        if each.org.public_id == org_id:
            return each
    raise NotFound("You belong to no such organization.")
