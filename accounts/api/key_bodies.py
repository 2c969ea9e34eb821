"""Reading what a key shall be."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from accounts.key_making import KeyWish
from accounts.keys import OVERLAP_DEFAULT, OVERLAP_MAX
from batchrouter.kit.errors import InvalidRequest
from batchrouter.web.fields import Fields

_RFC_3339 = re.compile(
    r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2})\Z",
    re.IGNORECASE,
)
_DEFAULT_NAME = "API key"


def read_wish(body: Mapping[str, Any]) -> KeyWish:
    """Read the body of a create.

    Raises:
        UnknownField, InvalidRequest: with the field's name.
    """
    sent = Fields(body, "name", "label", "scopes", "expires_at", "spend_limit", "mode")
    if body.get("name") is not None and body.get("label") is not None:
        raise InvalidRequest("Give name or label: they are the same.", param="label")
    name = sent.optional_text("name") or sent.optional_text("label")
    return KeyWish(
        name=name.strip() or _DEFAULT_NAME,
        scopes=_scopes(body.get("scopes")),
        expires_at=_instant(body.get("expires_at")),
        is_test=sent.choice("mode", ("live", "test")) == "test"
        if body.get("mode") is not None
        else None,
        spend_limit_nanousd=_limit(sent),
    )


def read_overlap(body: Mapping[str, Any]) -> timedelta:
    """Read the body of a rotation.

    Raises:
        UnknownField, InvalidRequest: with the field's name.
    """
    Fields(body, "overlap_seconds")
    seconds = body.get("overlap_seconds")
    if seconds is None:
        return OVERLAP_DEFAULT
    longest = int(OVERLAP_MAX.total_seconds())
    if type(seconds) is not int or not 0 <= seconds <= longest:
        raise InvalidRequest(
            f"overlap_seconds is a whole number from 0 to {longest}.",
            param="overlap_seconds",
        )
    return timedelta(seconds=seconds)


def _scopes(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    if type(value) is not list or not all(type(each) is str for each in value):
        raise InvalidRequest("scopes is a list of words.", param="scopes")
    return tuple(value)


def _instant(value: Any) -> datetime | None:
    if value is None:
        return None
    if type(value) is str and _RFC_3339.match(value):
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise InvalidRequest(
        "expires_at is a time with its offset, such as 2027-01-31T00:00:00Z.",
        param="expires_at",
    )


def _limit(sent: Fields) -> int | None:
    limit = sent.nanousd("spend_limit")
    if limit == 0:
        raise InvalidRequest("spend_limit is above zero.", param="spend_limit")
    return limit
