"""The people of an organization, and whom it has invited."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import Invitation, Membership, Role, User
from console.forms.members import RoleForm


@dataclass(frozen=True, slots=True)
class MemberLine:
    """A person in an organization.

    Attributes:
        form: to give another role; None where the visitor may not.
        may_remove: whether the visitor may end this place; their own they may leave.
    """

    user_id: str
    email: str
    name: str
    role: str
    since: datetime
    is_you: bool
    form: RoleForm | None
    may_remove: bool


def member_line(member: Membership, *, visitor: User, role: str) -> MemberLine:
    """Show a member to a visitor of that role."""
    may_change = may_manage(role, member.role)
    is_you = member.user_id == visitor.pk
    return MemberLine(
        user_id=member.user.public_id,
        email=member.user.email,
        name=member.user.name,
        role=member.role,
        since=member.created_at,
        is_you=is_you,
        form=role_form(member, by=role) if may_change else None,
        may_remove=may_change and not is_you,
    )


@dataclass(frozen=True, slots=True)
class InvitationLine:
    """A place that was offered and not taken yet."""

    public_id: str
    email: str
    role: str
    invited_by: str
    sent_at: datetime
    expires_at: datetime
    has_expired: bool
    may_manage: bool


def invitation_line(offer: Invitation, *, role: str, now: datetime) -> InvitationLine:
    """Show an open invitation to a visitor of that role."""
    return InvitationLine(
        public_id=offer.public_id,
        email=offer.email,
        role=offer.role,
        invited_by=offer.invited_by.email if offer.invited_by else "",
        sent_at=offer.created_at,
        expires_at=offer.expires_at,
        has_expired=offer.expires_at <= now,
        may_manage=may_manage(role, offer.role),
    )


def may_manage(by: str, concerned: str) -> bool:
    """Tell what to offer; the services decide it again."""
    return by == Role.OWNER or (by == Role.ADMIN and concerned != Role.OWNER)


def role_form(member: Membership, *, by: str) -> RoleForm:
    """Return the form for another role, without what the visitor may not give."""
    form = RoleForm(
        initial={"role": member.role}, auto_id=f"role-{member.user.public_id}-%s"
    )
    form.offer_to(by)
    return form
