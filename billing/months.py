"""Calendar months in UTC, written ``2026-11``."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from batchrouter.kit.errors import NotFound

_MONTH = re.compile(r"\A([0-9]{4})-(0[1-9]|1[0-2])\Z")


class MonthNotFound(NotFound):
    """The text names no calendar month."""

    code = "month_not_found"


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month; months sort by time."""

    year: int
    number: int

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"

    @property
    def starts_at(self) -> datetime:
        """The first instant that belongs to it."""
        return datetime(self.year, self.number, 1, tzinfo=UTC)

    @property
    def ends_at(self) -> datetime:
        """The first instant that no longer belongs to it."""
        return self.next.starts_at

    @property
    def next(self) -> "Month":
        """The month after."""
        years, number = divmod(self.number, 12)
        return Month(self.year + years, number + 1)


def month_of(instant: datetime) -> Month:
    """Return the month that an instant belongs to."""
    utc = instant.astimezone(UTC)
    return Month(utc.year, utc.month)


def parse_month(text: str) -> Month:
    """Read ``2026-11``.

    Raises:
        MonthNotFound: it is no month between the years 1 and 9998.
    """
    found = _MONTH.match(text)
    if found is None or not 1 <= int(found[1]) <= 9998:
        raise MonthNotFound(f"{text[:20]!r} is no month such as 2026-11.")
    return Month(int(found[1]), int(found[2]))
