"""The outbox, and addresses that want no more mail."""

from typing import ClassVar

from django.db import models

from batchrouter.kit import clock, ids
from batchrouter.kit.states import Moves, Stateful
from batchrouter.mail.states import LETTER_MOVES, LetterState


def new_letter_id() -> str:
    """Make a letter's public id; providers know it as the idempotency key."""
    return ids.new_id("mail")


class Letter(Stateful):
    """Something to say to somebody.

    The text is written when it is sent, and tokens are made then: no token, link or
    password is ever at rest.
    """

    moves: ClassVar[Moves] = LETTER_MOVES

    public_id = models.CharField(max_length=40, unique=True, default=new_letter_id)
    kind = models.CharField(max_length=40)
    to = models.EmailField(max_length=254)
    # Ids and plain words for the writer of this kind; never a secret.
    facts = models.JSONField(default=dict)
    # A business key: two letters never share one. Empty: any number of them.
    once = models.CharField(max_length=120, blank=True)
    # Whose wish it was, for the limits: an IPv4 address or an IPv6 /64.
    client = models.CharField(max_length=43, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    give_up_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, blank=True)
    provider_message_id = models.CharField(max_length=200, blank=True)
    # A word of ours or a provider's code; never a provider's sentence.
    error = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    sent_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    bounced_at = models.DateTimeField(null=True, blank=True)
    complained_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["once"], name="letter_once", condition=~models.Q(once="")
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                name="letter_due",
                condition=models.Q(state=LetterState.QUEUED),
            ),
            models.Index(
                fields=["lease_until"],
                name="letter_held",
                condition=models.Q(state=LetterState.SENDING),
            ),
            models.Index(fields=["to", "-created_at"], name="letter_by_address"),
            models.Index(fields=["client", "-created_at"], name="letter_by_client"),
            models.Index(fields=["provider_message_id"], name="letter_by_provider_id"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.to}, {self.state}"


class SuppressedAddress(models.Model):
    """Nothing more is sent to it until an operator lifts this."""

    class Reason(models.TextChoices):
        """What the address answered."""

        BOUNCED = "bounced"
        COMPLAINED = "complained"

    address = models.EmailField(max_length=254, unique=True)
    reason = models.CharField(max_length=10, choices=Reason.choices)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        verbose_name_plural = "suppressed addresses"

    def __str__(self) -> str:
        return f"{self.address} {self.reason}"
