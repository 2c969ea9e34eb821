"""Who belongs to an organization, and as what.

Every change locks the organization first, so that two owners who leave at the same
instant cannot both be the one who is not the last.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import Invitation, Membership, Org, Role, User
from batchrouter.kit.errors import BatchRouterError, Conflict, NotFound

MANAGERS = frozenset({Role.OWNER, Role.ADMIN})


class RoleRequired(BatchRouterError):
    """The person's role is too low for this."""

    code = "role_required"
    status = 403
    error_type = "permission_error"


class LastOwner(Conflict):
    """An organization always has an owner: make somebody else one first."""

    code = "last_owner"


def members_of(org: Org) -> QuerySet[Membership]:
    """Return the people of an organization."""
    return Membership.objects.filter(org=org).select_related("user")


@transaction.atomic
def change_role(
    org: Org, user_id: str, role: str, *, by: User, now: datetime
) -> Membership:
    """Give a member another role.

    Args:
        org: where.
        user_id: the member's public id.
        role: a word of ``Role``.
        by: who wants it: an owner, or an admin where no owner is concerned.
        now: the present instant.

    Raises:
        NotFound: no such member.
        RoleRequired, LastOwner.
    """
    lock_org(org)
    require_manager(org, by, concerns={role})
    member = _member(org, user_id)
    require_manager(org, by, concerns={member.role, role})
    if role != Role.OWNER:
        _require_another_owner(member)
    if role not in MANAGERS:
        _withdraw_invitations(member, now=now)
    member.role = role
    member.save(update_fields=["role"])
    return member


@transaction.atomic
def remove_member(org: Org, user_id: str, *, by: User, now: datetime) -> None:
    """End somebody's place in an organization; everybody may end their own.

    Their next request is refused: roles are read for each one. Keys stay, they are
    the organization's; invitations that they sent end.

    Raises:
        NotFound: no such member.
        RoleRequired, LastOwner.
    """
    lock_org(org)
    if user_id != by.public_id:
        require_manager(org, by, concerns=set())
    member = _member(org, user_id)
    if user_id != by.public_id:
        require_manager(org, by, concerns={member.role})
    _require_another_owner(member)
    _withdraw_invitations(member, now=now)
    member.delete()


def lock_org(org: Org) -> None:
    """Make others who change members of the organization wait until the commit."""
    Org.objects.select_for_update(no_key=True).get(pk=org.pk)


def require_manager(org: Org, person: User, *, concerns: set[str]) -> None:
    """Refuse who may not manage members; only owners may where an owner is concerned.

    Args:
        org: where; locked, so that the role cannot change meanwhile.
        person: who wants to.
        concerns: the roles that are given or taken.

    Raises:
        RoleRequired.
    """
    held = Membership.objects.filter(org=org, user=person).values_list("role").first()
    needed = {Role.OWNER} if Role.OWNER in concerns else MANAGERS
    if held is None or held[0] not in needed:
        wanted = Role.OWNER if needed == {Role.OWNER} else Role.ADMIN
        raise RoleRequired(
            f"This needs the role {wanted.value!r}.", details={"role": wanted.value}
        )


def _member(org: Org, user_id: str) -> Membership:
    found = members_of(org).filter(user__public_id=user_id).first()
    if found is None:
        raise NotFound("There is no such member.")
    return found


def _require_another_owner(member: Membership) -> None:
    if member.role != Role.OWNER:
        return
    # Who was deactivated can give nobody a role any more.
    others = Membership.objects.filter(
        org_id=member.org_id, role=Role.OWNER, user__is_active=True
    ).exclude(pk=member.pk)
    if not others.exists():
        raise LastOwner(
            "This is the last owner of the organization: make somebody else one first."
        )


def _withdraw_invitations(member: Membership, *, now: datetime) -> None:
    Invitation.objects.filter(
        org_id=member.org_id,
        invited_by_id=member.user_id,
        accepted_at=None,
        revoked_at=None,
    ).update(revoked_at=now)
