"""What became of a letter, and the addresses that get no more."""

from datetime import datetime
from enum import StrEnum

from django.db import transaction
from django.db.models import Q

from batchrouter.mail.models import Letter, SuppressedAddress


class Fate(StrEnum):
    """What the receiving side did; each is a column of the letter."""

    DELIVERED = "delivered"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


@transaction.atomic
def note_fate(
    fate: Fate,
    *,
    letter_id: str,
    provider_message_id: str,
    is_final: bool,
    now: datetime,
) -> None:
    """Write an event down once; one about a letter that we do not know is ignored.

    Args:
        fate: what happened.
        letter_id: our own id, where the event brings it back.
        provider_message_id: what the provider calls the letter; may be empty.
        is_final: of a bounce: the address will not take the next one either.
        now: the present instant.
    """
    ours = Q(public_id=letter_id)
    if provider_message_id:
        ours |= Q(provider_message_id=provider_message_id)
    letter = Letter.objects.select_for_update().filter(ours).first()
    if letter is None:
        return
    column = f"{fate}_at"
    if getattr(letter, column) is None:
        Letter.objects.filter(pk=letter.pk).update(**{column: now})
    if fate == Fate.COMPLAINED or (fate == Fate.BOUNCED and is_final):
        SuppressedAddress.objects.get_or_create(
            address=letter.to, defaults={"reason": str(fate), "created_at": now}
        )
