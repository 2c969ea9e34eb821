"""Whose pages these are."""

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from accounts.models import Membership, Org, Role, User


@dataclass(frozen=True, slots=True)
class Current:
    """The organization whose pages are shown, and the visitor's part in it."""

    org: Org
    role: str

    @property
    def may_cancel(self) -> bool:
        """Tell whether the visitor may stop a batch, as with a key of that role."""
        return self.role != Role.VIEWER

    @property
    def may_buy(self) -> bool:
        """Tell whether the visitor may buy credits, as with a key of that role."""
        return self.role in {Role.OWNER, Role.ADMIN}


def current_or_none(request: HttpRequest) -> Current | None:
    """Return the visitor's first organization; None for strangers to all of them."""
    if not isinstance(request.user, User):
        return None
    membership = (
        Membership.objects.select_related("org")
        .filter(user=request.user, org__is_suspended=False)
        .order_by("id")
        .first()
    )
    return None if membership is None else Current(membership.org, membership.role)


def current(request: HttpRequest) -> Current:
    """Return the visitor's first organization.

    Raises:
        PermissionDenied: the visitor belongs to none, or it is suspended.
    """
    found = current_or_none(request)
    if found is None:
        raise PermissionDenied("You belong to no active organization.")
    return found


def org_of(request: HttpRequest) -> Org:
    """Return the organization that everything on a page is scoped to.

    Raises:
        PermissionDenied: the visitor belongs to none, or it is suspended.
    """
    return current(request).org
