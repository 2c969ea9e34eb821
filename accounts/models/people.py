"""Users, organizations and memberships."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower

from batchrouter.kit import clock, ids


def new_org_id() -> str:
    """Make an organization's public id."""
    return ids.new_id("org")


def new_user_id() -> str:
    """Make a user's public id."""
    return ids.new_id("usr")


class UserManager(BaseUserManager["User"]):
    """Make users by address; there is no user name."""

    def create_user(
        self, email: str, password: str | None = None, **extra: Any
    ) -> "User":
        """Create a person with a hashed password."""
        user = self.model(email=self.normalize_email(email).lower(), **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find the person who logs in, however they write their address."""
        return self.get(email=(username or "").lower())

    def create_superuser(
        self, email: str, password: str | None = None, **extra: Any
    ) -> "User":
        """Create an operator who may do everything in the admin."""
        return self.create_user(
            email, password, is_staff=True, is_superuser=True, **extra
        )


class User(AbstractBaseUser, PermissionsMixin):
    """A person, or an agent with a mailbox."""

    public_id = models.CharField(max_length=40, unique=True, default=new_user_id)
    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=120, blank=True)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_once"),
        ]

    def __str__(self) -> str:
        return self.email


class Org(models.Model):
    """A customer: owns keys, batches, files and credits."""

    public_id = models.CharField(max_length=40, unique=True, default=new_org_id)
    name = models.CharField(max_length=120)
    is_suspended = models.BooleanField(default=False)
    # The name of the agent that registered it; empty where a person did.
    agent_name = models.CharField(max_length=80, blank=True)
    # Days that content is kept after a batch has ended; null leaves it to the server.
    retention_days = models.PositiveSmallIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    members: "models.ManyToManyField[User, Membership]" = models.ManyToManyField(
        User, through="Membership", related_name="orgs"
    )

    def __str__(self) -> str:
        return f"{self.name} ({self.public_id})"


class Role(models.TextChoices):
    """What a member may do; each includes those below it."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


class Membership(models.Model):
    """A user in an organization."""

    user = models.ForeignKey(User, on_delete=models.CASCADE)
    org = models.ForeignKey(Org, on_delete=models.CASCADE)
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.MEMBER)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "org"], name="membership_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.org_id} as {self.role}"
