"""What allauth asks us: where a client is, and how a second factor's secret is kept."""

import base64
import hashlib
from functools import lru_cache
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc] # allauth has no types
    """Logins by allauth; accounts are made by ``accounts.sign_up`` alone."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Keep allauth from making users: its sign-up is not ours."""
        return False

    def send_mail(
        self, template_prefix: str, email: str, context: dict[str, Any]
    ) -> None:
        """Refuse: letters go through the outbox.

        Raises:
            NotImplementedError.
        """
        raise NotImplementedError(template_prefix)


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc] # allauth has no types
    """Second factors, their secrets encrypted at rest."""

    def encrypt(self, text: str) -> str:
        """Return what is stored."""
        return _box(settings.SECRET_KEY).encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Return what was given to :meth:`encrypt`."""
        return _box(settings.SECRET_KEY).decrypt(encrypted_text.encode()).decode()


@lru_cache(maxsize=2)
def _box(secret_key: str) -> Fernet:
    key = hashlib.sha256(b"accounts.second_factor:" + secret_key.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))


def client_ip(request: HttpRequest) -> str | None:
    """Return the client's address behind our own proxies; None where it has none."""
    try:
        return str(AccountAdapter(request).get_client_ip(request))
    except PermissionDenied:
        return None
