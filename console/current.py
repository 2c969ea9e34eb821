"""Whose pages these are."""

from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from accounts.acting import SESSION_ORG, acting_membership
from accounts.authentication import ROLE_SCOPES
from accounts.models import Membership, Org, Scope, User


@dataclass(frozen=True, slots=True)
class Current:
    """The organization whose pages are shown, and the visitor's part in it."""

    membership: Membership
    user: User

    @property
    def org(self) -> Org:
        """The organization that everything on a page is scoped to."""
        return self.membership.org

    @property
    def role(self) -> str:
        """What the visitor is in the organization."""
        return self.membership.role

    @property
    def may_submit(self) -> bool:
        """Tell whether the visitor may quote and submit, as keys with both may."""
        return {Scope.QUOTE, Scope.SUBMIT} <= ROLE_SCOPES[self.role]

    @property
    def may_cancel(self) -> bool:
        """Tell whether the visitor may stop a batch, as with a key of that scope."""
        return Scope.CANCEL in ROLE_SCOPES[self.role]

    @property
    def may_buy(self) -> bool:
        """Tell whether the visitor may buy credits, as with a key of that scope."""
        return Scope.BILLING in ROLE_SCOPES[self.role]

    @property
    def may_administer(self) -> bool:
        """Tell whether the visitor may change keys, members and the name."""
        return Scope.ADMIN in ROLE_SCOPES[self.role]

    def require_admin(self) -> None:
        """Refuse whoever may not administer the organization.

        Raises:
            PermissionDenied.
        """
        if not self.may_administer:
            raise PermissionDenied("Only owners and admins may do that.")


def person(request: HttpRequest) -> User:
    """Return who is logged in.

    Raises:
        PermissionDenied: nobody is; pages of people ask for a login before.
    """
    if not isinstance(request.user, User):
        raise PermissionDenied("Log in first.")
    return request.user


def current_or_none(request: HttpRequest) -> Current | None:
    """Return where the visitor acts; None for strangers to all organizations."""
    if not isinstance(request.user, User):
        return None
    chosen = request.session.get(SESSION_ORG)
    membership = acting_membership(request.user, chosen)
    if membership is None and chosen and request.method in {"GET", "HEAD"}:
        membership = _move_on(request, request.user)
    return None if membership is None else Current(membership, request.user)


def _move_on(request: HttpRequest, user: User) -> Membership | None:
    """Act for another organization from now on, and say so; never while changing."""
    del request.session[SESSION_ORG]
    membership = acting_membership(user, None)
    if membership is not None:
        messages.info(
            request,
            "You do not belong to the organization you acted for any more. These are "
            f"the pages of {membership.org.name}.",
        )
    return membership


def current(request: HttpRequest) -> Current:
    """Return where the visitor acts.

    Raises:
        PermissionDenied: the visitor belongs to no active organization.
    """
    found = current_or_none(request)
    if found is None:
        raise PermissionDenied("You belong to no active organization.")
    return found


def org_of(request: HttpRequest) -> Org:
    """Return the organization that everything on a page is scoped to.

    Raises:
        PermissionDenied: the visitor belongs to no active organization.
    """
    return current(request).org
