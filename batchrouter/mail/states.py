"""The states of a letter."""

from collections.abc import Mapping
from enum import StrEnum


class LetterState(StrEnum):
    """Where a letter is on its way."""

    QUEUED = "queued"  # waits for its next attempt
    SENDING = "sending"  # somebody holds it, and may have sent it
    SENT = "sent"  # taken over by the provider, or lies in the folder
    FAILED = "failed"  # refused, or nobody took it in time
    DROPPED = "dropped"  # there was nothing to say, or nobody to say it to


LETTER_MOVES: Mapping[str, frozenset[str]] = {
    LetterState.QUEUED: frozenset({LetterState.SENDING}),
    LetterState.SENDING: frozenset(
        {
            LetterState.QUEUED,
            LetterState.SENT,
            LetterState.FAILED,
            LetterState.DROPPED,
        }
    ),
    # By an operator.
    LetterState.FAILED: frozenset({LetterState.QUEUED}),
}
