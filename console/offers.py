"""What the link in an invitation shows before anybody has accepted it."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import Invitation, User
from accounts.tokens import InvalidToken, Purpose, read_token


@dataclass(frozen=True, slots=True)
class Offer:
    """A place that is still free; whoever holds the token reads the address's mail."""

    org_name: str
    role: str
    email: str
    invited_by: str
    has_account: bool


def offer_behind(token: str, *, now: datetime) -> Offer:
    """Return what a token offers; nothing is changed.

    Raises:
        InvalidToken: accepted, revoked, too old, or not one of ours.
    """
    found = (
        Invitation.objects.select_related("org", "invited_by")
        .filter(
            public_id=read_token(Purpose.INVITATION, token),
            accepted_at=None,
            revoked_at=None,
            expires_at__gt=now,
            org__is_suspended=False,
        )
        .first()
    )
    if found is None:
        raise InvalidToken
    return Offer(
        org_name=found.org.name,
        role=found.role,
        email=found.email,
        invited_by=found.invited_by.email if found.invited_by else "",
        has_account=User.objects.filter(email=found.email).exists(),
    )
