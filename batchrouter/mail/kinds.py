"""What letters there are; the app that posts a kind also writes its text."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

Facts = Mapping[str, Any]

# Resend keeps idempotency keys for a day; later, a repeat would be a second letter:
# https://resend.com/docs/dashboard/emails/idempotency-keys (read 2026-11-22)
LONGEST_TRY = timedelta(hours=24)


@dataclass(frozen=True)
class Written:
    """A letter's text: its subject, and what its templates are filled with."""

    subject: str
    template: str
    context: Mapping[str, Any]


# Returns None where there is nothing to say any more.
Writer = Callable[[str, Facts], Written | None]


@dataclass(frozen=True)
class Kind:
    """A sort of letter.

    Attributes:
        write: makes the text for an address and facts.
        try_for: after this nobody wants it any more.
        is_asked_for: anybody can cause it, so it counts against the limits.
    """

    write: Writer
    try_for: timedelta
    is_asked_for: bool


_KINDS: dict[str, Kind] = {}


def register(
    kind: str,
    writer: Writer,
    *,
    try_for: timedelta = LONGEST_TRY,
    is_asked_for: bool = False,
) -> None:
    """Add a sort of letter; called while the apps are loaded."""
    _KINDS[kind] = Kind(writer, min(try_for, LONGEST_TRY), is_asked_for)


def kind_of(name: str) -> Kind:
    """Return a sort of letter.

    Raises:
        LookupError: no app has registered it.
    """
    return _KINDS[name]


def asked_for() -> list[str]:
    """Return the kinds that anybody can cause."""
    return [name for name, kind in _KINDS.items() if kind.is_asked_for]
