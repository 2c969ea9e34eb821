"""Signing up: ask, look into the mail, confirm."""

from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from accounts.adapter import client_ip
from accounts.sign_up import ask_to_sign_up, confirm_sign_up, resend_confirmation
from batchrouter.kit import clock
from console.forms import EmailForm, SignUpForm, TokenForm

# Where a browser remembers to whom mail was asked for; it proves nothing.
ASKED_EMAIL = "asked_email"
# The page that somebody without an account wanted; the login goes on to it.
WANTED_PAGE = "wanted_page"


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("password")
@never_cache
def sign_up(request: HttpRequest) -> HttpResponse:
    """GET and POST /signup."""
    if request.user.is_authenticated:
        return redirect("home")
    _note_wanted_page(request)
    form = SignUpForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        with form.refusals():
            ask_to_sign_up(
                email=form.cleaned_data["email"],
                password=form.cleaned_data["password"],
                org_name=form.cleaned_data["org_name"],
                ip=client_ip(request),
                now=clock.now(),
            )
            return _look_into_mail(request, form.cleaned_data["email"])
    return render(request, "console/sign_up.html", {"form": form}, status=form.status)


@require_safe
@never_cache
def sent(request: HttpRequest) -> HttpResponse:
    """GET /signup/sent: the same for every address."""
    email = request.session.get(ASKED_EMAIL, "")
    return _sent_page(request, EmailForm(initial={"email": email}))


@require_POST
@never_cache
def resend(request: HttpRequest) -> HttpResponse:
    """POST /signup/resend."""
    form = EmailForm(request.POST)
    if form.is_valid():
        with form.refusals():
            resend_confirmation(
                form.cleaned_data["email"], ip=client_ip(request), now=clock.now()
            )
            return _look_into_mail(request, form.cleaned_data["email"])
    return _sent_page(request, form)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def confirm(request: HttpRequest) -> HttpResponse:
    """GET /signup/confirm shows a button, as mail scanners follow links; POST acts."""
    if request.method != "POST":
        form = TokenForm.from_link(request.GET.get("token", ""))
        return _confirm_page(request, form)
    form = TokenForm(request.POST)
    if form.is_valid():
        with form.refusals():
            confirm_sign_up(form.cleaned_data["token"], now=clock.now())
            messages.success(
                request, "Your address is confirmed and your account is open. Log in."
            )
            return redirect(_login_url(request))
    return _confirm_page(request, form)


def _note_wanted_page(request: HttpRequest) -> None:
    page = request.GET.get("next", "")
    if page and url_has_allowed_host_and_scheme(page, allowed_hosts=None):
        request.session[WANTED_PAGE] = page


def _login_url(request: HttpRequest) -> str:
    """Return the login, which goes on to the wanted page in the same browser."""
    page = request.session.pop(WANTED_PAGE, "")
    query = f"?{urlencode({'next': page})}" if page else ""
    return f"{reverse('account_login')}{query}"


def _look_into_mail(request: HttpRequest, email: str) -> HttpResponse:
    request.session[ASKED_EMAIL] = email
    return redirect("sign-up-sent")


def _sent_page(request: HttpRequest, form: EmailForm) -> HttpResponse:
    context = {
        "form": form,
        "email": request.session.get(ASKED_EMAIL, ""),
        "has_inbox": settings.MAIL_DIR is not None,
    }
    return render(request, "console/sign_up_sent.html", context, status=form.status)


def _confirm_page(request: HttpRequest, form: TokenForm) -> HttpResponse:
    context = {"form": form}
    return render(request, "console/sign_up_confirm.html", context, status=form.status)
