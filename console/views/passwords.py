"""Setting a forgotten password anew."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts.adapter import client_ip
from accounts.passwords import ask_for_reset, reset_password
from batchrouter.kit import clock
from console.forms import ResetForm, TokenPasswordForm
from console.views.sign_up import ASKED_EMAIL


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def ask(request: HttpRequest) -> HttpResponse:
    """GET and POST /password/reset."""
    form = ResetForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        with form.refusals():
            email = form.cleaned_data["email"]
            ask_for_reset(email, ip=client_ip(request), now=clock.now())
            request.session[ASKED_EMAIL] = email
            return redirect("password-reset-sent")
    context = {"form": form}
    return render(request, "console/password_reset.html", context, status=form.status)


@require_safe
@never_cache
def sent(request: HttpRequest) -> HttpResponse:
    """GET /password/reset/sent: the same for every address."""
    context = {
        "email": request.session.get(ASKED_EMAIL, ""),
        "has_inbox": settings.MAIL_DIR is not None,
    }
    return render(request, "console/password_reset_sent.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("password")
@never_cache
def confirm(request: HttpRequest) -> HttpResponse:
    """GET and POST /password/reset/confirm: the token from the mail, a new password."""
    if request.method != "POST":
        form = TokenPasswordForm.from_link(request.GET.get("token", ""))
    else:
        form = TokenPasswordForm(request.POST)
    if form.is_valid():
        with form.refusals():
            reset_password(
                form.cleaned_data["token"],
                form.cleaned_data["password"],
                now=clock.now(),
            )
            messages.success(
                request,
                "Your password is set, and you are logged out everywhere. Log in with "
                "the new one.",
            )
            return redirect("account_login")
    context = {"form": form}
    return render(
        request, "console/password_reset_confirm.html", context, status=form.status
    )
