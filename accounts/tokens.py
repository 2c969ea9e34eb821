"""Tokens in mails: signed, for one purpose, with an end. None of them is stored.

A token names a row (or, for a reset, the state of a password); that the row can be used
only once makes the token single-use.
"""

from datetime import timedelta
from enum import StrEnum

from django.contrib.auth.tokens import default_token_generator
from django.core import signing

from accounts.models import User
from batchrouter.kit.errors import InvalidRequest

# Logs blot out whatever starts with it (batchrouter/logs.py).
PREFIX = "obt_"


class Purpose(StrEnum):
    """What a token is good for, and for nothing else."""

    SIGN_UP = "sign_up"
    INVITATION = "invitation"
    EMAIL_CHANGE = "email_change"
    RESET = "reset"


LIFETIMES = {
    Purpose.SIGN_UP: timedelta(days=3),
    Purpose.INVITATION: timedelta(days=7),
    Purpose.EMAIL_CHANGE: timedelta(days=1),
}


class InvalidToken(InvalidRequest):
    """The token is not one of ours, is too old, or was used."""

    code = "invalid_token"

    def __init__(self) -> None:
        super().__init__(
            "This token is not valid: it was used, replaced by a newer one, or is too "
            "old. Ask for a new mail.",
            param="token",
        )


def make_token(purpose: Purpose, subject: str) -> str:
    """Make the token that names ``subject``, a row's public id."""
    return PREFIX + _signer(purpose).sign(subject)


def read_token(purpose: Purpose, token: str) -> str:
    """Return what a token names.

    Raises:
        InvalidToken: of another purpose, changed, or too old.
    """
    if not token.startswith(PREFIX):
        raise InvalidToken
    try:
        return _signer(purpose).unsign(
            token.removeprefix(PREFIX), max_age=LIFETIMES[purpose]
        )
    except signing.BadSignature as error:
        raise InvalidToken from error


def make_reset_token(user: User) -> str:
    """Make the token that sets a new password; a new password or login ends it."""
    return f"{PREFIX}{user.public_id}.{default_token_generator.make_token(user)}"


def read_reset_token(token: str) -> User:
    """Return whose password a token may set.

    Raises:
        InvalidToken.
    """
    public_id, _, proof = token.removeprefix(PREFIX).partition(".")
    user = User.objects.filter(public_id=public_id, is_active=True).first()
    if (
        user is None
        or not token.startswith(PREFIX)
        or not default_token_generator.check_token(user, proof)
    ):
        raise InvalidToken
    return user


def _signer(purpose: Purpose) -> signing.TimestampSigner:
    return signing.TimestampSigner(salt=f"accounts.{purpose}", sep=".")
