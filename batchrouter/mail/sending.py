"""Sending what is due: write down that we do, do it, write down how it ended.

A crash between the call and its outcome leaves the letter ``sending``; after the lease
it is tried again under the same key, and the provider or the folder knows it already.
"""

import logging
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.mail import get_connection
from django.db import transaction
from django.db.models import Q

from batchrouter.kit import clock
from batchrouter.mail.backends import LetterDelayed, LetterRefused
from batchrouter.mail.kinds import kind_of
from batchrouter.mail.models import Letter, SuppressedAddress
from batchrouter.mail.outbox import is_mail_on
from batchrouter.mail.rendering import LetterMessage, message_of
from batchrouter.mail.states import LetterState

log = logging.getLogger(__name__)

# Far above the longest call (REQUESTS_TIMEOUT).
_LEASE = timedelta(seconds=120)
_PAUSE_FIRST_SECONDS = 5
_PAUSE_MAX_SECONDS = 3600


@dataclass(frozen=True)
class _Outcome:
    state: LetterState
    error: str = ""
    provider_message_id: str = ""
    retry_after_seconds: int = 0


def send_due_letters() -> int:
    """Send every letter that is due and return how many were tried."""
    tried = 0
    while (letter := _claim(now=clock.now())) is not None:
        outcome = _deliver(letter)
        _write_down(letter, outcome, now=clock.now())
        tried += 1
    return tried


@transaction.atomic
def _claim(*, now: datetime) -> Letter | None:
    letter = (
        Letter.objects.select_for_update(skip_locked=True)
        .filter(
            Q(state=LetterState.QUEUED, next_attempt_at__lte=now)
            | Q(state=LetterState.SENDING, lease_until__lte=now)
        )
        .order_by("pk")
        .first()
    )
    if letter is None:
        return None
    if letter.state == LetterState.SENDING:
        letter.advance(LetterState.QUEUED, at=now)
    letter.advance(LetterState.SENDING, at=now)
    letter.attempts += 1
    letter.lease_until = now + _LEASE
    letter.save(update_fields=["attempts", "lease_until"])
    return letter


def _deliver(letter: Letter) -> _Outcome:
    try:
        message = _write(letter)
        if message is None:
            return _Outcome(LetterState.DROPPED)
        get_connection().send_messages([message])
    except LetterRefused as refusal:
        return _Outcome(LetterState.FAILED, str(refusal))
    except LetterDelayed as delay:
        return _Outcome(
            LetterState.QUEUED,
            str(delay),
            retry_after_seconds=delay.retry_after_seconds,
        )
    # One letter that cannot be written or stored does not hold up the others.
    except Exception as error:
        log.exception("letter %s of kind %s", letter.public_id, letter.kind)
        return _Outcome(LetterState.QUEUED, type(error).__name__)
    return _Outcome(LetterState.SENT, provider_message_id=message.provider_message_id)


def _write(letter: Letter) -> LetterMessage | None:
    if not is_mail_on():
        raise LetterDelayed("mail is off")
    if SuppressedAddress.objects.filter(address=letter.to).exists():
        return None
    written = kind_of(letter.kind).write(letter.to, letter.facts)
    return None if written is None else message_of(letter, written)


@transaction.atomic
def _write_down(letter: Letter, outcome: _Outcome, *, now: datetime) -> None:
    held = Letter.objects.select_for_update().get(pk=letter.pk)
    if (held.state, held.attempts) != (LetterState.SENDING, letter.attempts):
        log.warning("letter %s was tried by somebody else too", letter.public_id)
        return
    state, next_attempt_at = outcome.state, held.next_attempt_at
    if state == LetterState.QUEUED:
        next_attempt_at = now + _pause(held.attempts, outcome.retry_after_seconds)
        if next_attempt_at >= held.give_up_at:
            state = LetterState.FAILED
    held.advance(state, at=now)
    held.next_attempt_at, held.lease_until = next_attempt_at, None
    held.error = outcome.error
    held.sent_at = now if state == LetterState.SENT else None
    # A webhook may have been faster, and a repeat may not tell the id.
    held.provider_message_id = outcome.provider_message_id or held.provider_message_id
    held.save(
        update_fields=[
            "next_attempt_at",
            "lease_until",
            "error",
            "sent_at",
            "provider_message_id",
        ]
    )


def _pause(attempts: int, least_seconds: int) -> timedelta:
    """Return a pause that grows with each try; jittered, so that they spread."""
    ceiling = min(_PAUSE_MAX_SECONDS, _PAUSE_FIRST_SECONDS * 2 ** min(attempts, 12))
    jittered = random.uniform(ceiling / 2, ceiling)  # noqa: S311 # no secret
    return timedelta(seconds=max(jittered, least_seconds))
