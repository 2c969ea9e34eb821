"""Is this the password of that address? One question, one hash, whatever the answer."""

from functools import lru_cache
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import check_password, get_hasher, make_password
from django.http import HttpRequest

from accounts.models import User
from accounts.passwords import PASSWORD_MAX
from accounts.sign_up import open_sign_up


class EmailBackend(ModelBackend):
    """Compare with the user's hash, else a waiting sign-up's, else a hash of nobody's.

    All three cost the same two reads and one hash, so time tells nothing.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        email: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """Return the active user whose password it is.

        A right password of a sign-up that waits for its confirmation is noted on the
        request as ``has_open_sign_up``.
        """
        address = (email or username or "").strip().lower()
        if not address or not password or len(password) > PASSWORD_MAX:
            return None
        # Made by a process once: then by its first login, whomever that names.
        nobodys = _nobodys_hash()
        user = User.objects.filter(email=address).first()
        waiting = open_sign_up(address)
        if user is not None and user.has_usable_password():
            is_right = user.check_password(password)
            return user if is_right and self.user_can_authenticate(user) else None
        is_waiting = user is None and waiting is not None
        known = waiting.password if is_waiting and waiting else nobodys
        if check_password(password, known) and is_waiting and request is not None:
            request.has_open_sign_up = True  # type: ignore[attr-defined] # for the door
        return None


@lru_cache(maxsize=4)
def _hash_by(algorithm: str) -> str:
    return make_password("nobody", hasher=algorithm)


def _nobodys_hash() -> str:
    return _hash_by(get_hasher().algorithm)
