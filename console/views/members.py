"""Members and invitations of the organization."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from accounts.acting import SESSION_ORG
from accounts.adapter import client_ip
from accounts.invitations import (
    accept_invitation,
    invite,
    open_invitations_of,
    resend_invitation,
    revoke_invitation,
)
from accounts.members import change_role, members_of, remove_member
from accounts.models import Membership, User
from accounts.tokens import InvalidToken
from batchrouter.kit import clock
from console.current import Current, current
from console.forms import AcceptForm, InvitationForm, JoinForm, RoleForm
from console.forms.base import ServiceForm
from console.offers import Offer, offer_behind
from console.presenters.members import invitation_line, member_line


@require_safe
@login_required
@never_cache
def member_list(request: HttpRequest) -> HttpResponse:
    """GET /account/members."""
    return _page(request, current(request))


@require_POST
@login_required
def role(request: HttpRequest, user_id: str) -> HttpResponse:
    """POST /account/members/{user id}/role."""
    visitor = current(request)
    form = RoleForm(request.POST)
    if form.is_valid():
        with form.refusals():
            wanted = form.cleaned_data["role"]
            member = change_role(
                visitor.org, user_id, wanted, by=visitor.user, now=clock.now()
            )
            messages.success(request, f"{member.user.email} is {wanted} now.")
            return redirect("account-members")
    return _page(request, visitor, refused=form)


@require_POST
@login_required
def remove(request: HttpRequest, user_id: str) -> HttpResponse:
    """POST /account/members/{user id}/remove: also how a person leaves."""
    visitor = current(request)
    form = ServiceForm(request.POST)
    with form.refusals():
        remove_member(visitor.org, user_id, by=visitor.user, now=clock.now())
        if user_id == visitor.user.public_id:
            messages.success(request, f"You have left {visitor.org.name}.")
            return redirect("account")
        messages.success(request, "That person is no member any more.")
        return redirect("account-members")
    return _page(request, visitor, refused=form)


@require_POST
@login_required
@never_cache
def send_invitation(request: HttpRequest) -> HttpResponse:
    """POST /account/invitations."""
    visitor = current(request)
    form = InvitationForm(request.POST)
    if form.is_valid():
        with form.refusals():
            made = invite(
                visitor.org,
                email=form.cleaned_data["email"],
                role=form.cleaned_data["role"],
                by=visitor.user,
                ip=client_ip(request),
                now=clock.now(),
            )
            messages.success(request, f"An invitation is on its way to {made.email}.")
            return redirect("account-members")
    return _page(request, visitor, form=form)


@require_POST
@login_required
def resend(request: HttpRequest, invitation_id: str) -> HttpResponse:
    """POST /account/invitations/{id}/resend."""
    visitor = current(request)
    form = ServiceForm(request.POST)
    with form.refusals():
        sent = resend_invitation(
            visitor.org,
            invitation_id,
            by=visitor.user,
            ip=client_ip(request),
            now=clock.now(),
        )
        messages.success(request, f"The invitation to {sent.email} is sent again.")
        return redirect("account-members")
    return _page(request, visitor, refused=form)


@require_POST
@login_required
def revoke(request: HttpRequest, invitation_id: str) -> HttpResponse:
    """POST /account/invitations/{id}/revoke."""
    visitor = current(request)
    form = ServiceForm(request.POST)
    with form.refusals():
        revoke_invitation(visitor.org, invitation_id, by=visitor.user, now=clock.now())
        messages.success(request, "The invitation is revoked; its link is void.")
        return redirect("account-members")
    return _page(request, visitor, refused=form)


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("password")
@never_cache
def accept(request: HttpRequest) -> HttpResponse:
    """GET /invitations/accept shows the offer; POST takes it."""
    sent = request.POST if request.method == "POST" else request.GET
    token = sent.get("token", "")
    try:
        offer = offer_behind(token, now=clock.now())
    except InvalidToken as error:
        gone = {"message": error.message}
        return render(request, "console/invitation_gone.html", gone, status=400)
    if _is_somebody_else(request, offer):
        others = {"offer": offer, "token": token}
        return render(request, "console/invitation_other.html", others, status=403)
    return _accept(request, token, offer)


def _accept(request: HttpRequest, token: str, offer: Offer) -> HttpResponse:
    kind = AcceptForm if offer.has_account else JoinForm
    is_sent = request.method == "POST"
    form = kind(request.POST) if is_sent else kind(initial={"token": token})
    visitor = request.user if isinstance(request.user, User) else None
    if form.is_valid():
        with form.refusals():
            member = accept_invitation(
                token,
                visitor=visitor,
                password=form.cleaned_data.get("password", ""),
                name=form.cleaned_data.get("name", ""),
                now=clock.now(),
            )
            return _joined(request, member)
    back = f"{reverse('invitation-accept')}?{urlencode({'token': token})}"
    context = {
        "offer": offer,
        "form": form,
        "login_url": f"{reverse('account_login')}?{urlencode({'next': back})}",
    }
    return render(
        request, "console/invitation_accept.html", context, status=form.status
    )


def _joined(request: HttpRequest, member: Membership) -> HttpResponse:
    if not request.user.is_authenticated:
        messages.success(request, "Your account is open. Log in with your password.")
        return redirect("account_login")
    request.session[SESSION_ORG] = member.org.public_id
    messages.success(request, f"You are {member.role} of {member.org.name} now.")
    return redirect("home")


def _is_somebody_else(request: HttpRequest, offer: Offer) -> bool:
    return isinstance(request.user, User) and request.user.email != offer.email


def _page(
    request: HttpRequest,
    visitor: Current,
    *,
    form: InvitationForm | None = None,
    refused: ServiceForm | None = None,
) -> HttpResponse:
    """Show everybody, with the forms that the visitor may use."""
    now, role_of_visitor = clock.now(), visitor.role
    typed = form or refused
    fresh = form or InvitationForm()
    fresh.offer_to(role_of_visitor)
    members = members_of(visitor.org).order_by("pk")
    offers = open_invitations_of(visitor.org).order_by("-pk")
    context: dict[str, Any] = {
        "org_name": visitor.org.name,
        "may_administer": visitor.may_administer,
        "members": [
            member_line(each, visitor=visitor.user, role=role_of_visitor)
            for each in members
        ],
        "invitations": [
            invitation_line(each, role=role_of_visitor, now=now) for each in offers
        ]
        if visitor.may_administer
        else [],
        "form": fresh,
        "refused": refused,
    }
    status = 200 if typed is None else typed.status
    return render(request, "console/members.html", context, status=status)
