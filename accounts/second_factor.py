"""A letter whenever logging in starts, or stops, to take a second factor."""

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed
from django.dispatch import receiver

from accounts.models import User
from batchrouter.kit import clock
from batchrouter.mail.outbox import post


@receiver(authenticator_added)
def tell_of_added(user: User, authenticator: Authenticator, **_: Any) -> None:
    """Write that a code is asked for from now on."""
    _tell(user, authenticator, "added")


@receiver(authenticator_removed)
def tell_of_removed(user: User, authenticator: Authenticator, **_: Any) -> None:
    """Write that a password alone opens the account again."""
    _tell(user, authenticator, "removed")


def _tell(user: User, authenticator: Authenticator, what: str) -> None:
    # Recovery codes come and go with the app and need no letter of their own.
    if authenticator.type == Authenticator.Type.TOTP:
        post(
            kind="second_factor_changed",
            to=user.email,
            facts={"what": what},
            ip=None,
            now=clock.now(),
        )
