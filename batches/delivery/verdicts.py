"""What an endpoint's answer means. Pure; its body is never looked at."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final

from batchrouter.kit.pool import Completed, Fault

# Answers are said to the tenth of a second: finer would time a network's inside.
_DURATION_STEP_MS: Final = 100
_GONE: Final = 410


class Outcome(StrEnum):
    """How a try ended: a closed list, shown to the customer."""

    DELIVERED = "delivered"  # 2xx
    REDIRECT_REFUSED = "redirect_refused"  # 3xx; redirects are not followed
    GONE = "gone"  # 410; the endpoint takes nothing more
    STATUS_REFUSED = "status_refused"  # any other status
    TIMED_OUT = "timed_out"  # no whole answer in time
    NO_ANSWER = "no_answer"  # the connection broke
    CONNECTION_FAILED = "connection_failed"  # no connection, or no TLS
    REPLY_TOO_LARGE = "reply_too_large"
    INVALID_URL = "invalid_url"
    PORT_REFUSED = "port_refused"
    HOST_REFUSED = "host_refused"  # no address, or one that is not public
    KEY_UNREADABLE = "key_unreadable"  # ours to mend: the sealing key is gone
    UNKNOWN = "unknown"  # our worker died meanwhile; it is sent again
    ENDPOINT_DISABLED = "endpoint_disabled"
    EXPIRED = "expired"  # the breaker held it back until its day was over


_OF_FAULT: Final[Mapping[Fault, Outcome]] = {
    "not_sent": Outcome.CONNECTION_FAILED,
    "no_answer": Outcome.NO_ANSWER,
    "timed_out": Outcome.TIMED_OUT,
    "too_large": Outcome.REPLY_TOO_LARGE,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a try ended.

    Attributes:
        duration_ms: to the tenth of a second; None where nothing was sent.
        retry_after_seconds: what the endpoint asked for.
    """

    outcome: Outcome
    status_code: int | None = None
    duration_ms: int | None = None
    retry_after_seconds: float | None = None

    @property
    def is_success(self) -> bool:
        """Whether the endpoint took it."""
        return self.outcome == Outcome.DELIVERED


def judge(done: Completed, *, now: datetime) -> Verdict:
    """Return what a call came to.

    Args:
        done: the call.
        now: a Retry-After that names an instant is counted from here.
    """
    duration_ms = -(-done.elapsed_ms // _DURATION_STEP_MS) * _DURATION_STEP_MS
    if done.fault is not None:
        return Verdict(_OF_FAULT[done.fault], duration_ms=duration_ms)
    asked = retry_after(done.headers.get("retry-after"), now=now)
    return Verdict(_of_status(done.status), done.status, duration_ms, asked)


def retry_after(value: str | None, *, now: datetime) -> float | None:
    """Read a Retry-After: seconds, or an HTTP date (RFC 9110, 10.2.3); else None."""
    if value is None:
        return None
    if value.isascii() and value.isdigit():
        # Twelve digits are past every bound and still a float.
        return float(value[:12])
    try:
        at = parsedate_to_datetime(value)
        return max(0.0, (at - now).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def _of_status(status: int) -> Outcome:
    if 200 <= status < 300:
        return Outcome.DELIVERED
    if 300 <= status < 400:
        return Outcome.REDIRECT_REFUSED
    return Outcome.GONE if status == _GONE else Outcome.STATUS_REFUSED
