"""An operator in the admin: staff, logged in with a second factor."""

import time

from allauth.account.internal.userkit import user_id_to_str
from django.test import Client

from accounts.models import User
from tests.factories.accounts import UserFactory


def operator_client() -> Client:
    """Return a browser of a superuser who gave a code at login."""
    visitor = Client()
    log_in_operator(visitor, UserFactory.create(is_staff=True, is_superuser=True))
    return visitor


def log_in_operator(visitor: Client, user: User) -> None:
    """Log somebody in, and note in the session that a code was given."""
    visitor.force_login(user)
    session = visitor.session
    session["account_authentication_methods"] = [
        {"method": "mfa", "type": "totp", "at": time.time()}
    ]
    session["account_authentication_methods_user"] = user_id_to_str(user)
    session.save()
