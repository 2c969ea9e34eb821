"""The only reader of wall time; everything else takes ``now`` as an argument."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present instant, in UTC."""
    return datetime.now(UTC)


def iso(instant: datetime) -> str:
    """Write an instant as the API does: ISO 8601, UTC, milliseconds, ``Z``."""
    utc = instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_or_none(instant: datetime | None) -> str | None:
    """Write an optional instant as the API does."""
    return None if instant is None else iso(instant)
