"""The only reader of wall time; everything else takes ``now`` as an argument."""

import math
from datetime import UTC, datetime
from functools import lru_cache


def now() -> datetime:
    """Return the present instant, in UTC."""
    return datetime.now(UTC)


def iso(instant: datetime) -> str:
    """Write an instant as the API does: ISO 8601, UTC, milliseconds, ``Z``."""
    second = _second(math.floor(instant.timestamp()))
    return f"{second}.{instant.microsecond // 1000:03d}Z"


# Two of them are written for every row, and most rows of a second follow each other.
@lru_cache(maxsize=64)
def _second(since_1970: int) -> str:
    return datetime.fromtimestamp(since_1970, UTC).isoformat()[: -len("+00:00")]


def iso_or_none(instant: datetime | None) -> str | None:
    """Write an optional instant as the API does."""
    return None if instant is None else iso(instant)
