"""What waits for a click in a mail: sign-ups, invitations, changes of address."""

from django.db import models
from django.db.models.functions import Lower

from accounts.models.people import Org, Role, User
from batchrouter.kit import clock, ids


def new_sign_up_id() -> str:
    """Make a sign-up's id."""
    return ids.new_id("sgn")


def new_invitation_id() -> str:
    """Make an invitation's id."""
    return ids.new_id("inv")


def new_email_change_id() -> str:
    """Make the id of a change of address."""
    return ids.new_id("emc")


class SignUp(models.Model):
    """Somebody who has yet to show that an address is theirs.

    The account itself is made by the confirmation, so that nobody can hold an address
    that is not theirs, and asking tells nobody whether an account exists.
    """

    public_id = models.CharField(max_length=40, unique=True, default=new_sign_up_id)
    email = models.EmailField(max_length=254)
    # As Django stores passwords: hashed.
    password = models.CharField(max_length=128)
    org_name = models.CharField(max_length=120)
    agent_name = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    confirmed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["email", "-id"], name="sign_up_by_email")]

    def __str__(self) -> str:
        return f"{self.email} {self.created_at:%Y-%m-%d}"


class Invitation(models.Model):
    """A place in an organization, offered to an address."""

    public_id = models.CharField(max_length=40, unique=True, default=new_invitation_id)
    org = models.ForeignKey(Org, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.MEMBER)
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "org",
                Lower("email"),
                name="invitation_open_once",
                condition=models.Q(accepted_at=None, revoked_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} to {self.org_id} as {self.role}"


class EmailChange(models.Model):
    """A new address that its owner has yet to confirm."""

    public_id = models.CharField(
        max_length=40, unique=True, default=new_email_change_id
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    email = models.EmailField(max_length=254)
    created_at = models.DateTimeField(default=clock.now)
    confirmed_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.user_id} to {self.email}"
