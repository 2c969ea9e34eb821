"""Session tokens: how an agent without a browser stays logged in."""

from django.db import models

from accounts.models.people import Org, User
from batchrouter.kit import clock, ids


def new_session_id() -> str:
    """Make a session token's public id (not the secret)."""
    return ids.new_id("sess")


class SessionToken(models.Model):
    """A login without a cookie. Only the SHA-256 of the token is kept.

    ``auth_hash`` is Django's session hash of the user at the time of login: it changes
    with the password, and with it every older token ends.
    """

    public_id = models.CharField(max_length=40, unique=True, default=new_session_id)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    org = models.ForeignKey(Org, on_delete=models.CASCADE, null=True)
    digest = models.BinaryField(max_length=32, unique=True)
    auth_hash = models.CharField(max_length=128)
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    last_used_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["user", "-id"], name="session_token_by_user")]

    def __str__(self) -> str:
        return f"{self.public_id} of {self.user_id}"
