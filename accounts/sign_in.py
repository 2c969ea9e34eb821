"""Logging in: the password, the second factor, and then a cookie or a token."""

from typing import cast

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.signals import user_logged_in
from allauth.core.internal import ratelimit
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.utils import is_mfa_enabled
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts.models import User
from batchrouter.kit.errors import BatchRouterError


class InvalidCredentials(BatchRouterError):
    """Address and password do not belong together, or the account is closed."""

    code = "invalid_credentials"
    status = 401
    error_type = "authentication_error"


class EmailNotVerified(BatchRouterError):
    """The password is right, but the sign-up waits for its confirmation."""

    code = "email_not_verified"
    status = 403
    error_type = "permission_error"


class SecondFactorRequired(BatchRouterError):
    """The password is right; the account asks for a code as well."""

    code = "second_factor_required"
    status = 401
    error_type = "authentication_error"


class InvalidCode(BatchRouterError):
    """The code is wrong, used, or too old."""

    code = "invalid_code"
    status = 401
    error_type = "authentication_error"


class TooManyAttempts(BatchRouterError):
    """Too many failed logins for this address or from this client."""

    code = "rate_limited"
    status = 429
    error_type = "rate_limit_error"


def sign_in(request: HttpRequest, *, email: str, password: str, code: str) -> User:
    """Prove who somebody is; nothing is opened yet.

    Args:
        request: for the limits and the session.
        email: as typed.
        password: as typed.
        code: of the second factor, or empty.

    Raises:
        TooManyAttempts, InvalidCredentials, EmailNotVerified,
        SecondFactorRequired, InvalidCode.
    """
    if not ratelimit.consume(request, app="allauth.account", action="login"):
        raise _slow_down(60)
    try:
        found = get_adapter().authenticate(request, email=email, password=password)
    except ValidationError as error:
        # allauth counts failures by address and by client, and says so like this.
        raise _slow_down(300) from error
    if found is None:
        if getattr(request, "has_open_sign_up", False):
            raise EmailNotVerified(
                "Confirm your address first: open the link in the mail we sent, or ask "
                "for another one (POST /v1/auth/verify-email/resend)."
            )
        raise InvalidCredentials("This email and password do not belong together.")
    user = cast("User", found)
    record_authentication(request, user, method="password", email=user.email)
    if is_mfa_enabled(user):
        _check_code(user, code)
    return user


def open_cookie_session(request: HttpRequest, user: User) -> None:
    """Log the browser in; its session gets a new key."""
    get_adapter().login(request, user)
    # Puts the session into the person's list.
    user_logged_in.send(sender=User, request=request, user=user)


def _check_code(user: User, code: str) -> None:
    if not code:
        raise SecondFactorRequired(
            "This account has a second factor: send its code too.", param="code"
        )
    form = AuthenticateForm(data={"code": code}, user=user)
    if not form.is_valid():
        raise InvalidCode("That code is not valid any more.", param="code")
    form.save()


def _slow_down(seconds: int) -> TooManyAttempts:
    return TooManyAttempts(
        "Too many attempts to log in; wait before the next one.",
        details={"retry_after_seconds": seconds},
    )
