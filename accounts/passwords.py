"""Passwords: what is good enough, changing one, and setting a forgotten one anew."""

from datetime import datetime

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.addresses import read_address
from accounts.models import SessionToken, User
from accounts.tokens import InvalidToken, read_reset_token
from batchrouter.kit.errors import InvalidRequest
from batchrouter.mail.limits import require_room
from batchrouter.mail.outbox import post

# Far above any passphrase; hashing more costs us time.
PASSWORD_MAX = 1024


class WeakPassword(InvalidRequest):
    """The password is too short, too common or too close to the address."""

    code = "weak_password"


class WrongPassword(InvalidRequest):
    """The present password is another one."""

    code = "wrong_password"
    status = 403
    error_type = "permission_error"


def check_new_password(password: str, *, user: User, param: str = "password") -> None:
    """Judge a password that somebody wants to have.

    Args:
        password: as it was typed.
        user: whose it will be; may be unsaved.
        param: the field's name, for the refusal.

    Raises:
        WeakPassword: its details list every reason.
    """
    if len(password) > PASSWORD_MAX or "\0" in password:
        raise WeakPassword(
            f"A password has at most {PASSWORD_MAX} characters and no NUL.", param=param
        )
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise WeakPassword(
            " ".join(error.messages),
            param=param,
            details={"reasons": [str(each.code) for each in error.error_list]},
        ) from error


def ask_for_reset(email: str, *, ip: str | None, now: datetime) -> None:
    """Mail a reset link, if there is such an account.

    Whether there is one is looked up only when the letter is written, so the answer
    and its time tell nothing.

    Raises:
        InvalidEmail, TooManyLetters.
    """
    address = read_address(email)
    with transaction.atomic():
        require_room(to=address, ip=ip, now=now)
        post(kind="password_reset", to=address, facts={}, ip=ip, now=now)


@transaction.atomic
def reset_password(token: str, password: str, *, now: datetime) -> User:
    """Set a new password; every session and session token of the user ends.

    Raises:
        InvalidToken, WeakPassword.
    """
    found = read_reset_token(token)
    user = User.objects.select_for_update().get(pk=found.pk)
    if user.password != found.password:
        raise InvalidToken
    check_new_password(password, user=user)
    _set(user, password, now=now)
    return user


@transaction.atomic
def change_password(user: User, *, current: str, new: str, now: datetime) -> None:
    """Replace a password; sessions other than the caller's end with the old one.

    The caller's own session is kept by
    ``django.contrib.auth.update_session_auth_hash``.

    Args:
        user: as they were read; brought up to date.
        current: the present password, as it was typed.
        new: the wanted one.
        now: the present instant.

    Raises:
        WrongPassword, WeakPassword.
    """
    # Whoever sent this may have been locked out by a reset since.
    user.refresh_from_db(from_queryset=User.objects.select_for_update(no_key=True))
    if not user.check_password(current):
        raise WrongPassword(
            "The present password is another one.", param="current_password"
        )
    check_new_password(new, user=user, param="new_password")
    _set(user, new, now=now)


def _set(user: User, password: str, *, now: datetime) -> None:
    user.set_password(password)
    user.save(update_fields=["password"])
    # Cookies end by Django's session hash; tokens would too, but rows need not stay.
    SessionToken.objects.filter(user=user).delete()
    post(kind="password_changed", to=user.email, facts={}, ip=None, now=now)
