"""What accounts write to people. Tokens are made here, while a letter is sent.

Whoever asks for a letter chooses its address, so none of them carries words of a
stranger to somebody who has not asked for it, but for the names in an invitation.
"""

import shlex
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson
from django.conf import settings

from accounts.models import ApiKey, EmailChange, Invitation, SignUp, User
from accounts.sign_up import open_sign_up
from accounts.tokens import LIFETIMES, Purpose, make_reset_token, make_token
from batchrouter.mail.kinds import Facts, Written, register
from batchrouter.mail.wording import masked, one_line

_NAME_SHOWN = 60
_PLACE_SHOWN = 200
# Whoever waits for a reset has asked again by then.
_RESET_TRY = timedelta(hours=1)


@dataclass(frozen=True)
class _Step:
    """What a token is used for: on a page, and by a call."""

    page: str
    call: str
    more: dict[str, str] = field(default_factory=dict)
    needs_login: bool = False

    def words(self, token: str, valid_for: timedelta) -> dict[str, Any]:
        """Return what the templates say of the token."""
        body = orjson.dumps({"token": token, **self.more}).decode()
        login = "-H 'Authorization: Bearer YOUR_SESSION_TOKEN' "
        return {
            "token": token,
            "link": _page(f"{self.page}?token={token}"),
            "curl": f"curl -X POST {_page(self.call)} "
            + (login if self.needs_login else "")
            + f"-H 'Content-Type: application/json' -d {shlex.quote(body)}",
            "valid_for": _length(valid_for),
        }


_CONFIRM = _Step("/signup/confirm", "/v1/auth/verify-email/confirm")
_RESET = _Step(
    "/password/reset/confirm",
    "/v1/auth/password/reset/confirm",
    {"password": "YOUR_NEW_PASSWORD"},
)
_CHANGE = _Step("/account/email/confirm", "/v1/auth/account/email/confirm")
_ACCEPT_PATHS = ("/invitations/accept", "/v1/auth/account/invitations/accept")
_ACCEPT = _Step(*_ACCEPT_PATHS, needs_login=True)
_ACCEPT_AND_JOIN = _Step(*_ACCEPT_PATHS, {"password": "YOUR_NEW_PASSWORD"})


def sign_up(to: str, facts: Facts) -> Written | None:
    """Write the confirmation of one sign-up."""
    wish = SignUp.objects.filter(
        public_id=facts["sign_up"], email=to, confirmed_at=None
    ).first()
    return None if wish is None else _confirmation(wish)


def sign_up_again(to: str, _facts: Facts) -> Written | None:
    """Write the confirmation of the newest sign-up that waits for one."""
    wish = open_sign_up(to)
    return None if wish is None else _confirmation(wish)


def _confirmation(wish: SignUp) -> Written:
    if User.objects.filter(email=wish.email).exists():
        return Written(
            "You already have a BatchRouter account",
            "account_exists",
            {"login": _page("/login"), "reset": _page("/password/reset")},
        )
    token = make_token(Purpose.SIGN_UP, wish.public_id)
    return Written(
        "Confirm your address for BatchRouter",
        "sign_up",
        _CONFIRM.words(token, LIFETIMES[Purpose.SIGN_UP]),
    )


def password_reset(to: str, _facts: Facts) -> Written | None:
    """Write how to set a new password, to an account that exists."""
    user = _user(to)
    if user is None:
        return None
    valid_for = timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
    return Written(
        "Set a new password for BatchRouter",
        "password_reset",
        _RESET.words(make_reset_token(user), valid_for),
    )


def password_changed(to: str, _facts: Facts) -> Written | None:
    """Write that a password is another one now."""
    if _user(to) is None:
        return None
    return Written(
        "Your BatchRouter password was changed",
        "password_changed",
        {"reset": _page("/password/reset")},
    )


def email_change(to: str, facts: Facts) -> Written | None:
    """Write to a new address, which its owner has yet to confirm."""
    change = EmailChange.objects.filter(
        public_id=facts["email_change"], email=to, confirmed_at=None
    ).first()
    if change is None or User.objects.filter(email=to).exists():
        return None
    token = make_token(Purpose.EMAIL_CHANGE, change.public_id)
    return Written(
        "Confirm your new address for BatchRouter",
        "email_change",
        _CHANGE.words(token, LIFETIMES[Purpose.EMAIL_CHANGE]),
    )


def email_changed(_to: str, facts: Facts) -> Written | None:
    """Tell the old address that it is the old one now."""
    return Written(
        "The address of your BatchRouter account was changed",
        "email_changed",
        {"new_email": masked(facts["new_email"]), "site": _page("/")},
    )


def invitation(to: str, facts: Facts) -> Written | None:
    """Write who offers a place in which organization."""
    offer = (
        Invitation.objects.select_related("org", "invited_by")
        .filter(
            public_id=facts["invitation"],
            email=to,
            accepted_at=None,
            revoked_at=None,
            org__is_suspended=False,
        )
        .first()
    )
    if offer is None:
        return None
    token = make_token(Purpose.INVITATION, offer.public_id)
    org_name = one_line(offer.org.name, _NAME_SHOWN)
    has_account = User.objects.filter(email=to).exists()
    step = _ACCEPT if has_account else _ACCEPT_AND_JOIN
    return Written(
        f"Invitation to {org_name} on BatchRouter",
        "invitation",
        {
            "org_name": org_name,
            "role": offer.get_role_display().lower(),
            "invited_by": offer.invited_by.email if offer.invited_by else "",
            **step.words(token, LIFETIMES[Purpose.INVITATION]),
        },
    )


def key_revoked(_to: str, facts: Facts) -> Written | None:
    """Write that a key was found in public and ended."""
    key = ApiKey.objects.select_related("org").filter(public_id=facts["key"]).first()
    if key is None:
        return None
    return Written(
        "An API key of yours was found in public and revoked",
        "key_revoked",
        {
            "key_name": one_line(key.name, _NAME_SHOWN),
            "prefix": key.prefix,
            "org_name": one_line(key.org.name, _NAME_SHOWN),
            "where": one_line(str(facts.get("where", "")), _PLACE_SHOWN),
            "keys": _page("/account/keys"),
        },
    )


def second_factor_changed(to: str, facts: Facts) -> Written | None:
    """Write that logging in takes a second factor now, or no longer does."""
    if _user(to) is None:
        return None
    is_added = facts["what"] == "added"
    return Written(
        "Two-factor login was switched " + ("on" if is_added else "off"),
        "second_factor_changed",
        {"is_added": is_added, "reset": _page("/password/reset")},
    )


def _user(address: str) -> User | None:
    return User.objects.filter(email=address, is_active=True).first()


def _page(path: str) -> str:
    # Never from a request: its host is the caller's word (failure catalogue J10).
    return settings.PUBLIC_BASE_URL + path


def _length(of: timedelta) -> str:
    hours = round(of.total_seconds() / 3600)
    if hours < 48:
        return f"{hours} hours" if hours != 1 else "1 hour"
    return f"{hours // 24} days"


register("sign_up", sign_up, is_asked_for=True)
register("sign_up_again", sign_up_again, is_asked_for=True)
register("password_reset", password_reset, try_for=_RESET_TRY, is_asked_for=True)
register("password_changed", password_changed)
register("email_change", email_change, is_asked_for=True)
register("email_changed", email_changed)
register("invitation", invitation, is_asked_for=True)
register("key_revoked", key_revoked)
register("second_factor_changed", second_factor_changed)
