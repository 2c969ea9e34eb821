"""Members and invitations as the API shows them."""

from datetime import datetime
from typing import Any

from accounts.models import Invitation, Membership
from batchrouter.kit.clock import iso


def member_json(member: Membership) -> dict[str, Any]:
    """Return a person's place in an organization."""
    return {
        "object": "member",
        "user_id": member.user.public_id,
        "email": member.user.email,
        "name": member.user.name,
        "role": member.role,
        "created_at": iso(member.created_at),
    }


def invitation_json(invitation: Invitation, *, now: datetime) -> dict[str, Any]:
    """Return an open offer of a place; its token is in the mail only."""
    inviter = invitation.invited_by
    return {
        "id": invitation.public_id,
        "object": "invitation",
        "email": invitation.email,
        "role": invitation.role,
        "state": "open" if now < invitation.expires_at else "expired",
        "invited_by": None if inviter is None else inviter.public_id,
        "created_at": iso(invitation.created_at),
        "expires_at": iso(invitation.expires_at),
    }
