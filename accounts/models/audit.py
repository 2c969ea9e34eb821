"""What operators did in the admin: written before it is done, never changed."""

from django.db import models

from accounts.models.people import User
from batchrouter.kit import clock, ids


def new_operator_action_id() -> str:
    """Make the public id of an operator's action."""
    return ids.new_id("opact")


class OperatorAction(models.Model):
    """One request of an operator that may change something.

    ``fields`` are the names of what was sent, never the values: a provider's key may
    be among them. ``reason`` is what the operator wrote as one. ``status`` is the HTTP
    status of the answer, null while there is none; the database lets it be set once and
    refuses every other change.
    """

    public_id = models.CharField(
        max_length=40, unique=True, default=new_operator_action_id
    )
    operator = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="operator_actions"
    )
    at = models.DateTimeField(default=clock.now)
    ip = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=40)
    path = models.CharField(max_length=400)
    action = models.CharField(max_length=80)
    objects_chosen = models.JSONField(default=list)
    fields = models.JSONField(default=list)
    reason = models.CharField(max_length=300, blank=True, db_default="")
    status = models.PositiveSmallIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["operator", "-id"], name="action_by_operator"),
            models.Index(fields=["path", "-id"], name="action_by_path"),
        ]
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.public_id} {self.action} {self.path}"
