"""DeepSeek: chat completions that think unless they are told not to.

There is no batch API; calls outside the peak hours cost half. The peak hours follow the
calendar of Chinese public holidays, which is announced one year at a time: days that no
calendar here names count as ordinary ones, so that a price is never taken for lower
than it is.
"""

from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Any, Final

from routing.adapters.openai_compatible import CompatibleDirect
from routing.contracts import Connection, ItemRequest, Operation

# https://api-docs.deepseek.com/quick_start/pricing, read 2026-11-22: Monday to Friday,
# from and before these times of UTC, Chinese public holidays excepted.
PEAK_HOURS: Final = ((time(1), time(4)), (time(6), time(10)))

# First and last days of the holidays of 2026, as the State Council announced them on
# 2025-11-04; all peak hours lie within one day of both UTC and Beijing.
PUBLIC_HOLIDAYS: Final = (
    (date(2026, 1, 1), date(2026, 1, 3)),
    (date(2026, 2, 15), date(2026, 2, 23)),
    (date(2026, 4, 4), date(2026, 4, 6)),
    (date(2026, 5, 1), date(2026, 5, 5)),
    (date(2026, 6, 19), date(2026, 6, 21)),
    (date(2026, 9, 25), date(2026, 9, 27)),
    (date(2026, 10, 1), date(2026, 10, 7)),
)
_SATURDAY: Final = 5
_OFF_PEAK_BPS: Final = 5_000


def is_off_peak(instant: datetime) -> bool:
    """Tell whether a call at this instant, which has a time zone, costs half."""
    moment = instant.astimezone(UTC)
    if moment.weekday() >= _SATURDAY or _is_holiday(moment.date()):
        return True
    return not any(begin <= moment.time() < end for begin, end in PEAK_HOURS)


def cost_bps(instant: datetime) -> int:
    """Return what a call at this instant costs of the listed price, times 10,000."""
    return _OFF_PEAK_BPS if is_off_peak(instant) else 10_000


@lru_cache(maxsize=64)
def _is_holiday(day: date) -> bool:
    return any(first <= day <= last for first, last in PUBLIC_HOLIDAYS)


class DeepSeekDirect(CompatibleDirect):
    """Answer one item by one chat call."""

    operations: tuple[Operation, ...] = ("responses", "vision")

    def body_of(self, item: ItemRequest, connection: Connection) -> dict[str, Any]:
        """Return the body of the request.

        No effort is a switch here: https://api-docs.deepseek.com/guides/thinking_mode,
        read 2026-11-22.
        """
        body = super().body_of(item, connection)
        if body.get("reasoning_effort") == "none":
            del body["reasoning_effort"]
            body["thinking"] = {"type": "disabled"}
        return body
