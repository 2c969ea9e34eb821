"""What a reply's headers tell of the calls that are left.

OpenAI and those like it write ``x-ratelimit-remaining-requests`` with a duration such
as ``6m0s`` to the reset, Anthropic ``anthropic-ratelimit-requests-remaining`` with an
instant (providers.md 1.1, 1.2 and 1.4, read 2026-11-22).
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

from routing.adapters.statuses import RETRY_AFTER_MAX_SECONDS

_LEFT: Final = (
    ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    (
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset",
    ),
    ("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
)
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_UNIT_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_FEW_TOKENS: Final = 1000


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the provider still takes.

    Attributes:
        calls_left: until the reset; 0 too where hardly a token is left.
        reset_seconds: until it takes all again.
    """

    calls_left: int
    reset_seconds: float


def allowance_in(headers: Mapping[str, str]) -> Allowance | None:
    """Return the scarcest allowance that the headers tell of, or None."""
    found: list[Allowance] = []
    for left_name, reset_name in _LEFT:
        left = _count(headers.get(left_name))
        reset = _seconds(headers.get(reset_name), headers.get("date"))
        if left is None or reset is None:
            continue
        if "tokens" not in left_name:
            found.append(Allowance(left, reset))
        elif left < _FEW_TOKENS:
            found.append(Allowance(0, reset))
    return min(found, key=lambda one: one.calls_left, default=None)


def _count(text: str | None) -> int | None:
    if text is None or not (text.isascii() and text.isdigit()):
        return None
    return int(text[:12])


def _seconds(text: str | None, date: str | None) -> float | None:
    """Read a duration, or an instant by the reply's own clock; at most 300 s."""
    if not text:
        return None
    parts = _PART.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        seconds = sum(float(number) * _UNIT_SECONDS[unit] for number, unit in parts)
        return min(seconds, RETRY_AFTER_MAX_SECONDS)
    try:
        number = float(text)
    except ValueError:
        return _until(text, date)
    if not math.isfinite(number) or number < 0:
        return None
    return min(number, RETRY_AFTER_MAX_SECONDS)


def _until(text: str, date: str | None) -> float | None:
    try:
        instant = datetime.fromisoformat(text)
        sent = parsedate_to_datetime(date) if date else None
    except (ValueError, OverflowError):
        return None
    if sent is None or sent.tzinfo is None or instant.tzinfo is None:
        return None
    return min(max((instant - sent).total_seconds(), 0.0), RETRY_AFTER_MAX_SECONDS)
