"""Posting a letter: written down with what causes it, sent after the commit."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from batchrouter.kit.jobs import Job, enqueue_on_commit
from batchrouter.mail.clients import client_of
from batchrouter.mail.kinds import kind_of
from batchrouter.mail.models import Letter
from batchrouter.mail.states import LetterState

# For support; the limits look back an hour only.
_KEPT = timedelta(days=30)


def is_mail_on() -> bool:
    """Tell whether letters go anywhere: to a folder or to a provider."""
    return bool(settings.MAIL_DIR or settings.RESEND_API_KEY)


@transaction.atomic
def post(
    *,
    kind: str,
    to: str,
    facts: Mapping[str, Any],
    ip: str | None,
    now: datetime,
    once: str = "",
) -> Letter:
    """Write a letter down and ring for its sending on commit.

    Args:
        kind: what it is about; its app has registered it.
        to: the address, as accounts keep it.
        facts: ids and plain words for its writer; never a secret.
        ip: who asked for it, for the limits; None for our own notices.
        now: the present instant.
        once: a business key; a second letter with it is the first one.

    Raises:
        LookupError: nobody has registered the kind.
    """
    values = {
        "kind": kind,
        "to": to,
        "facts": dict(facts),
        "client": client_of(ip),
        "state": LetterState.QUEUED,
        "state_at": now,
        "next_attempt_at": now,
        "give_up_at": now + kind_of(kind).try_for,
        "created_at": now,
    }
    if once:
        letter, is_new = Letter.objects.get_or_create(once=once, defaults=values)
    else:
        letter, is_new = Letter.objects.create(**values), True
    if is_new:
        enqueue_on_commit(Job.SEND_MAIL)
    return letter


@transaction.atomic
def send_again(letter: Letter, *, now: datetime) -> None:
    """Queue a failed letter anew, under its old idempotency key.

    Raises:
        MoveNotAllowed, LostRace: it has not failed.
    """
    letter.advance(LetterState.QUEUED, at=now)
    letter.attempts, letter.error = 0, ""
    letter.next_attempt_at = now
    letter.give_up_at = now + kind_of(letter.kind).try_for
    letter.save(update_fields=["attempts", "error", "next_attempt_at", "give_up_at"])
    enqueue_on_commit(Job.SEND_MAIL)


def forget_old_letters(*, now: datetime) -> int:
    """Delete letters that came to their end a month ago; return how many rows."""
    ended = (LetterState.SENT, LetterState.FAILED, LetterState.DROPPED)
    old = Letter.objects.filter(state__in=ended, state_at__lt=now - _KEPT)
    return old.delete()[0]
