"""The account: the person, and the organization they act for."""

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from accounts.acting import SESSION_ORG, choose_org, memberships_of
from accounts.adapter import client_ip
from accounts.addresses import ask_to_change_address, confirm_address_change
from accounts.orgs import keep_content, rename_org
from accounts.passwords import change_password
from accounts.sessions import remember_cookie
from batchrouter.kit import clock
from batchrouter.kit.errors import NotFound
from console.current import current, current_or_none, person
from console.forms import (
    AddressForm,
    ChangePasswordForm,
    OrgNameForm,
    RetentionForm,
    TokenForm,
)
from console.forms.base import ServiceForm

_FORMS = ["GET", "HEAD", "POST"]


@require_safe
@login_required
@never_cache
def overview(request: HttpRequest) -> HttpResponse:
    """GET /account."""
    return _page(request)


@require_http_methods(_FORMS)
@login_required
@never_cache
def email(request: HttpRequest) -> HttpResponse:
    """POST /account/email: mails a confirmation to the new address."""
    if request.method != "POST":
        return redirect("account")
    form = AddressForm(request.POST, auto_id="email-%s")
    if form.is_valid():
        with form.refusals():
            ask_to_change_address(
                person(request),
                form.cleaned_data["email"],
                ip=client_ip(request),
                now=clock.now(),
            )
            messages.success(
                request,
                "Look into the mail of the new address: the link in it makes the "
                "change. Until then the present address stays.",
            )
            return redirect("account")
    return _page(request, address_form=form)


@require_http_methods(_FORMS)
@never_cache
def email_confirm(request: HttpRequest) -> HttpResponse:
    """GET /account/email/confirm shows a button; POST makes the change."""
    if request.method != "POST":
        form = TokenForm.from_link(request.GET.get("token", ""))
    else:
        form = TokenForm(request.POST)
    if form.is_valid():
        with form.refusals():
            user = confirm_address_change(form.cleaned_data["token"], now=clock.now())
            messages.success(request, f"Your address is {user.email} from now on.")
            is_known = request.user.is_authenticated
            return redirect("account" if is_known else "account_login")
    return render(
        request, "console/email_confirm.html", {"form": form}, status=form.status
    )


@require_http_methods(_FORMS)
@login_required
@sensitive_post_parameters("current_password", "new_password")
@never_cache
def password(request: HttpRequest) -> HttpResponse:
    """POST /account/password: this session lives on, all others end."""
    if request.method != "POST":
        return redirect("account")
    user = person(request)
    form = ChangePasswordForm(request.POST, auto_id="password-%s")
    if form.is_valid():
        with form.refusals():
            change_password(
                user,
                current=form.cleaned_data["current_password"],
                new=form.cleaned_data["new_password"],
                now=clock.now(),
            )
            update_session_auth_hash(request, user)
            remember_cookie(request)
            messages.success(
                request, "Your password is changed. All your other sessions are ended."
            )
            return redirect("account")
    return _page(request, password_form=form)


@require_POST
@login_required
@never_cache
def rename(request: HttpRequest) -> HttpResponse:
    """POST /account/name: for owners and admins."""
    visitor = current(request)
    visitor.require_admin()
    form = OrgNameForm(request.POST, auto_id="org-%s")
    if form.is_valid():
        with form.refusals():
            rename_org(visitor.org, form.cleaned_data["name"])
            messages.success(request, "The organization has its new name.")
            return redirect("account")
    return _page(request, name_form=form)


@require_POST
@login_required
@never_cache
def retention(request: HttpRequest) -> HttpResponse:
    """POST /account/retention: for owners and admins; empty is the server's own."""
    visitor = current(request)
    visitor.require_admin()
    form = RetentionForm(request.POST, auto_id="retention-%s")
    if form.is_valid():
        with form.refusals():
            keep_content(visitor.org, form.cleaned_data["retention_days"])
            messages.success(request, "Saved.")
            return redirect("account")
    return _page(request, retention_form=form)


@require_POST
@login_required
def switch_org(request: HttpRequest) -> HttpResponse:
    """POST /account/org: act for another organization from now on."""
    try:
        chosen = choose_org(person(request), request.POST.get("org_id", ""))
    except NotFound as error:
        raise Http404(error.message) from error
    request.session[SESSION_ORG] = chosen.org.public_id
    messages.success(request, f"You act for {chosen.org.name} now.")
    return redirect("home")


def _page(request: HttpRequest, **typed: ServiceForm) -> HttpResponse:
    """Show everything; forms that were refused stand in for the empty ones."""
    user, visitor = person(request), current_or_none(request)
    context = {
        "visitor": visitor,
        "is_second_factor_on": is_mfa_enabled(user),
        "memberships": memberships_of(user),
        "address_form": AddressForm(auto_id="email-%s"),
        "password_form": ChangePasswordForm(auto_id="password-%s"),
        "name_form": OrgNameForm(
            initial={"name": visitor.org.name if visitor else ""}, auto_id="org-%s"
        ),
        "retention_form": RetentionForm(
            initial={"retention_days": visitor.org.retention_days if visitor else None},
            auto_id="retention-%s",
        ),
        "server_retention_days": settings.RETENTION_DAYS,
        **typed,
    }
    status = max((form.status for form in typed.values()), default=200)
    return render(request, "console/account.html", context, status=status)
