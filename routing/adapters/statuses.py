"""From a provider's refusal to our closed list of failures.

The table follows providers.md 1.1 to 1.11 (OpenAI's error codes, Groq's 498,
Anthropic's 529), read 2026-11-22.
"""

import math
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import orjson

from routing.failures import Failure, FailureKind

RETRY_AFTER_MAX_SECONDS: Final = 300.0

# Words of ``error.code`` or ``error.type`` that mean: paying helps, waiting does not.
QUOTA_WORDS: Final = frozenset(
    {
        "insufficient_quota",
        "credit_balance_exhausted",
        "billing_hard_limit_reached",
        "billing_not_active",
        "quota_exceeded",
        "enforced_spend_limit_reached",
        "payment_required",
        "billing_error",
        "insufficient_credits",
        "insufficient_balance",
    }
)
# What a job that is made or checked hears where too many tokens wait already
# (providers.md 1.1, read 2026-11-22).
QUEUE_WORDS: Final = frozenset({"token_limit_exceeded"})
MODEL_WORDS: Final = frozenset(
    {"model_not_found", "model_not_available", "model_decommissioned"}
    # Anthropic's and Mistral's words.
    | {"not_found_error", "invalid_model"}
)
LIMIT_WORDS: Final = frozenset({"rate_limit_exceeded", "rate_limit_error", "slow_down"})
CREDENTIAL_WORDS: Final = frozenset(
    {"authentication_error", "permission_error", "api_key_invalid"}
    # OpenRouter's words, as below.
    | {"authentication", "permission_denied"}
)
INVALID_PREFIXES: Final = (
    *("invalid", "image", "context_length", "content_policy"),
    "request_too_large",
    *("max_tokens_exceeded", "string_too_long", "payload_too_large"),
    *("unprocessable", "unsupported_image"),
)

_BY_STATUS: Final = {
    401: FailureKind.CREDENTIAL,
    402: FailureKind.QUOTA,
    403: FailureKind.CREDENTIAL,
    404: FailureKind.MODEL_MISSING,
    405: FailureKind.MODEL_MISSING,
    # The request was not taken up; another try is right.
    408: FailureKind.OVERLOADED,
    409: FailureKind.OVERLOADED,
    425: FailureKind.OVERLOADED,
    429: FailureKind.RATE_LIMITED,
    498: FailureKind.OVERLOADED,
}


def failure_of(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """Classify a reply that is not 200."""
    value = _loads(body)
    words = error_words(value)
    wait = retry_after_seconds(headers)
    if wait is None:
        wait = _retry_delay_seconds(value)
    return Failure(_kind(status, words), status, wait)


def failure_of_words(words: frozenset[str], status: int | None) -> Failure:
    """Classify an error that came inside a 200 reply or without a status."""
    if words & QUOTA_WORDS:
        return Failure(FailureKind.QUOTA, status)
    if words & MODEL_WORDS:
        return Failure(FailureKind.MODEL_MISSING, status)
    if words & LIMIT_WORDS:
        return Failure(FailureKind.RATE_LIMITED, status)
    if words & CREDENTIAL_WORDS:
        return Failure(FailureKind.CREDENTIAL, status)
    if any(word.startswith(INVALID_PREFIXES) for word in words):
        return Failure(FailureKind.INVALID, status)
    return Failure(FailureKind.OVERLOADED, status)


def error_words(value: Any) -> frozenset[str]:
    """Return the ``code`` and ``type`` of an error body, nested or flat.

    Anthropic's finer word stands in ``details.error_code``, Google's in a ``reason``
    of its list of details, OpenRouter's in ``error_type``.
    """
    found = _error_in(value)
    details = found.get("details")
    finer = details.get("error_code") if isinstance(details, dict) else None
    reasons = (entry.get("reason") for entry in _entries(details))
    named = (found.get(key) for key in ("code", "type", "error_type"))
    words = (*named, finer, *reasons)
    return frozenset(word.lower() for word in words if isinstance(word, str))


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Read ``retry-after-ms`` or ``retry-after``, at most 300 s.

    A date is measured from the reply's own ``date``, so that neither clock matters.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return _capped(milliseconds / 1000)
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is not None:
        return _capped(seconds)
    until, sent = _date(text), _date(headers.get("date"))
    if until is None or sent is None:
        return None
    return _capped((until - sent).total_seconds())


def _kind(status: int, words: frozenset[str]) -> FailureKind:
    if status >= 500:
        return FailureKind.OVERLOADED
    if status < 400:
        # Neither an answer nor an error: a redirect is not followed.
        return FailureKind.MODEL_MISSING if status >= 300 else FailureKind.MALFORMED
    if status == 429 and words & QUOTA_WORDS:
        return FailureKind.QUOTA
    if words & MODEL_WORDS:
        return FailureKind.MODEL_MISSING
    if "api_key_invalid" in words:
        # Google answers 400 where others say 401.
        return FailureKind.CREDENTIAL
    return _BY_STATUS.get(status, FailureKind.INVALID)


def _error_in(value: Any) -> dict[str, Any]:
    """Return the error object of a body: nested, flat, or in a list of its own."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, dict):
        return {}
    error = value.get("error")
    return error if isinstance(error, dict) else value


def _entries(details: Any) -> list[dict[str, Any]]:
    listed = details if isinstance(details, list) else []
    return [entry for entry in listed if isinstance(entry, dict)]


def _retry_delay_seconds(value: Any) -> float | None:
    """Read Google's ``retryDelay``, such as ``34s``, out of an error's details."""
    for entry in _entries(_error_in(value).get("details")):
        delay = entry.get("retryDelay")
        seconds = _number(delay.removesuffix("s")) if isinstance(delay, str) else None
        if seconds is not None:
            return _capped(seconds)
    return None


def _loads(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _number(text: str | None) -> float | None:
    try:
        found = float(text) if text else math.nan
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _date(text: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(text) if text else None
    except (ValueError, OverflowError):
        return None
    return found if found is not None and found.tzinfo is not None else None


def _capped(seconds: float) -> float:
    return min(max(seconds, 0.0), RETRY_AFTER_MAX_SECONDS)
