"""Pure: what is taken from a line of an imported file, and what is left of it."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from batches.manifest.problems import Problem
from routing.contracts import Mode, Usage

Json = Mapping[str, Any]
Status = Literal["completed", "failed", "canceled", "expired", "unanswered"]

MODEL_LENGTH_MAX: Final = 160
# No call of any provider bills more, and no bucket of a day ever did.
ITEM_TOKENS_MAX: Final = 20_000_000
BUCKET_TOKENS_MAX: Final = 10**12
BUCKET_REQUESTS_MAX: Final = 10**9
# Before the first batch API; nothing of use is older.
EARLIEST: Final = datetime(2020, 1, 1, tzinfo=UTC)
_WHOLE: Final = re.compile(r"\A(\d{1,15})(?:\.0{1,6})?\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Use:
    """Facts of one item of a past job, or of one bucket of a usage export.

    Attributes:
        key: 16 bytes that name it, so that it counts once however often it comes.
        at: when it ran; None where the file does not say.
        model: the provider's name of it; None where the line has none.
        mode: ``batch`` or ``direct``, by which it is priced.
        mode_is_assumed: the export does not say, and the cheaper is taken.
        items: requests; None where the export does not count them.
        usage: None where nothing was billed or nothing believable is said of it.
        problem: why a completed item has no usage.
        average_input_tokens: of a call, to choose a price tier by; None takes the
            lowest.
    """

    key: bytes
    at: datetime | None
    model: str | None
    mode: Mode
    operation: str
    status: Status
    items: int | None
    usage: Usage | None
    mode_is_assumed: bool = False
    problem: Problem | None = None
    average_input_tokens: int | None = None
    is_bucket: bool = False


# One line: a fact, why it is none, or nothing to take.
Reading = Use | Problem | None


def key_of(*parts: str | bytes) -> bytes:
    """Name a fact by what tells it from all others of its provider."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode(errors="surrogatepass")
        digest.update(len(data).to_bytes(8))
        digest.update(data)
    return digest.digest()


def model_name(value: Any) -> str | None:
    """Return a model's name where it is one that may be stored and shown."""
    if isinstance(value, str) and 0 < len(value) <= MODEL_LENGTH_MAX:
        return value if value.isprintable() else None
    return None


def instant(value: Any, *, latest: datetime) -> datetime | Problem:
    """Read seconds since 1970, or an ISO 8601 instant or day.

    Args:
        value: as the file has it.
        latest: what is later cannot have happened.
    """
    found = _instant(value)
    if found is None:
        return Problem("", "date_unreadable", "The date cannot be read.")
    if not EARLIEST <= found <= latest:
        return Problem(
            "", "date_not_believable", f"{found:%Y-%m-%d} is no date of a past job."
        )
    return found


def _instant(value: Any) -> datetime | None:
    seconds = count(value)
    try:
        if seconds is not None:
            return datetime.fromtimestamp(seconds, UTC)
        if not isinstance(value, str) or len(value) > 40:
            return None
        found = datetime.fromisoformat(value)
    except (ValueError, OverflowError, OSError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def count(value: Any) -> int | None:
    """Read a whole number that is not negative, also from ``"12"`` and ``"12.0"``."""
    if type(value) is int:
        return value if value >= 0 else None
    if isinstance(value, str):
        found = _WHOLE.match(value.strip())
        return int(found[1]) if found else None
    return None


def believable(usage: Usage | None, tokens_max: int) -> Usage | None:
    """Return the usage unless its counts cannot be true."""
    if usage is None:
        return None
    counts = (
        usage.input_tokens,
        usage.cached_tokens,
        usage.cache_write_tokens,
        usage.output_tokens,
        usage.reasoning_tokens,
    )
    if min(counts) < 0 or max(counts) > tokens_max:
        return None
    if usage.cached_tokens + usage.cache_write_tokens > usage.input_tokens:
        return None
    return usage if usage.reasoning_tokens <= usage.output_tokens else None


def usage_problem(field: str) -> Problem:
    """Return what is said of usage that is missing or cannot be true."""
    return Problem(
        field,
        "usage_not_believable",
        "The usage is missing or its counts contradict each other; the item counts, "
        "its cost does not.",
    )


def bucket_usage(
    counts: Mapping[str, int | None], requests: int | None
) -> tuple[Usage, int | None] | None:
    """Return a bucket's usage and its average input; None where it cannot be true.

    Args:
        counts: ``input``, ``cached``, ``written`` and ``output`` tokens; None where a
            count is no number.
        requests: None where the export does not count them.
    """
    values = [counts[name] for name in ("input", "cached", "output", "written")]
    if any(value is None for value in values):
        return None
    given, cached, made, written = (value or 0 for value in values)
    usage = believable(Usage(given, cached, made, 0, written), BUCKET_TOKENS_MAX)
    if usage is None:
        return None
    if requests is None:
        return usage, None
    if max(given, made) > requests * ITEM_TOKENS_MAX:
        return None
    return usage, given // max(requests, 1)
