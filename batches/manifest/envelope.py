"""The manifest without its items: what is wished for the batch as a whole."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from accounts.orgs import RETENTION_DAYS_MAX, RETENTION_DAYS_MIN
from batches.delivery import secrets
from batches.manifest.findings import Findings
from batches.manifest.preferences import (
    preferences_json,
    read_preferences,
    stored_preferences,
)
from batches.manifest.problems import InvalidManifest, OnInvalid, Problems
from batchrouter.kit import clock, destinations, ids, money
from batchrouter.kit.destinations import DestinationRefused, read_destination
from routing.contracts import Preferences

SLA_HOURS = {"priority": 1, "standard": 24, "flex": 48}
DEADLINE_MIN = timedelta(seconds=60)
DEADLINE_MAX = timedelta(days=7)
ROUTING_MODES = (
    "sla_aware",
    "public_only",
    "cheapest",
    "quality_first",
    "privacy_constrained",
    "edge_only",
    "hybrid",
)
PRIVACY_TIERS = ("standard", "confidential", "restricted")
REGIONS = ("global", "eu", "us")
ON_INVALID = ("reject", "skip")
FIELDS = (
    "sla_tier",
    "deadline_at",
    "routing_mode",
    "route_policy",
    "privacy_tier",
    "allowed_regions",
    "provider_preferences",
    "max_price",
    "delivery",
    "metadata",
    "workflow",
    "on_invalid",
    "dedupe",
    "exclude_golden",
    "retention_days",
    "items",
    "input_file_id",
)

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9_.-]{0,62}[a-z0-9])?\Z")
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
    r"(?:Z|[+-][0-9]{2}:[0-9]{2})\Z",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Spec:
    """What a manifest asks for, its items apart.

    Attributes:
        deadline_at: the customer's own deadline, in place of the tier's hours.
        route_policy: a name that the caller looks up.
        max_price_nanousd: the customer takes no quote above it.
        webhook_secret: signs deliveries to ``webhook_url``; None is the org's own.
        retention_days: after the end; None is the organization's own.
        workflow: a workflow product's slug, looked up by the caller.
        workflow_version: the version that the caller found.
        exclude_golden: rows of golden items lie in a file of their own.
        input_file_id: None where the items are in the request's body.
    """

    sla_tier: str = "standard"
    deadline_at: datetime | None = None
    routing_mode: str = "sla_aware"
    route_policy: str | None = None
    privacy_tier: str = "standard"
    allowed_regions: tuple[str, ...] = ("global",)
    preferences: Preferences = field(default_factory=Preferences)
    max_price_nanousd: int | None = None
    webhook_url: str | None = None
    webhook_secret: str | None = field(default=None, repr=False)
    metadata: Mapping[str, str] = field(default_factory=dict)
    workflow: str | None = None
    workflow_version: int | None = None
    on_invalid: OnInvalid = "reject"
    dedupe: bool = False
    exclude_golden: bool = False
    retention_days: int | None = None
    input_file_id: str | None = None

    def deadline(self, now: datetime) -> datetime:
        """Return the deadline of a batch that is accepted now."""
        if self.deadline_at is not None:
            return self.deadline_at
        return now + timedelta(hours=SLA_HOURS[self.sla_tier])

    def to_json(self) -> dict[str, Any]:
        """Return the spec as stored with its quote."""
        return {
            "sla_tier": self.sla_tier,
            "deadline_at": clock.iso_or_none(self.deadline_at),
            "routing_mode": self.routing_mode,
            "route_policy": self.route_policy,
            "privacy_tier": self.privacy_tier,
            "allowed_regions": list(self.allowed_regions),
            "provider_preferences": preferences_json(self.preferences),
            "max_price_nanousd": self.max_price_nanousd,
            "webhook_url": self.webhook_url,
            "webhook_secret": self.webhook_secret and secrets.seal(self.webhook_secret),
            "metadata": dict(self.metadata),
            "workflow": self.workflow,
            "workflow_version": self.workflow_version,
            "on_invalid": self.on_invalid,
            "dedupe": self.dedupe,
            "exclude_golden": self.exclude_golden,
            "retention_days": self.retention_days,
            "input_file_id": self.input_file_id,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Return the spec that :meth:`to_json` wrote."""
        values = dict(stored)
        at = values["deadline_at"]
        values["deadline_at"] = None if at is None else datetime.fromisoformat(at)
        sealed = values["webhook_secret"]
        values["webhook_secret"] = sealed and secrets.unseal(sealed)
        values["allowed_regions"] = tuple(values["allowed_regions"])
        values["preferences"] = stored_preferences(values.pop("provider_preferences"))
        return cls(**values)


def read_envelope(
    body: Mapping[str, Any], *, now: datetime, allow_http: bool = False
) -> Spec:
    """Read everything of a manifest but its items.

    Args:
        body: the request as read from JSON.
        now: deadlines are judged from here.
        allow_http: take webhooks without TLS, outside production.

    Raises:
        InvalidManifest: with every problem of the envelope.
    """
    found = Findings()
    found.unknown(body, FIELDS, "")
    values = {
        name: _READERS[name](found, body[name]) for name in body if name in _READERS
    }
    values |= _deadline(found, body, now)
    values |= _delivery(found, body, allow_http=allow_http)
    _check_source(found, body)
    if found.problems:
        problems = Problems()
        problems.add_all(found.problems)
        raise InvalidManifest.of(problems)
    if "provider_preferences" in values:
        values["preferences"] = values.pop("provider_preferences")
    if "max_price" in values:
        values["max_price_nanousd"] = values.pop("max_price")
    return Spec(**values)


def _deadline(
    found: Findings, body: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    if "deadline_at" not in body:
        return {}
    if "sla_tier" in body:
        found.refuse("deadline_at", "ambiguous", "Give sla_tier or deadline_at.")
        return {}
    at = _instant(body["deadline_at"])
    if at is None:
        text = "Give a time with its offset, such as 2026-11-22T10:00:00Z."
        found.refuse("deadline_at", "invalid_time", text)
    elif not now + DEADLINE_MIN <= at <= now + DEADLINE_MAX:
        text = "A deadline lies between 60 seconds and 7 days from now."
        found.refuse("deadline_at", "out_of_range", text)
    return {"deadline_at": at}


def _instant(value: Any) -> datetime | None:
    """Read RFC 3339 as UTC in whole milliseconds, as it is stored and shown."""
    if type(value) is not str or not _RFC_3339.match(value):
        return None
    try:
        at = datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _delivery(
    found: Findings, body: Mapping[str, Any], *, allow_http: bool
) -> dict[str, Any]:
    if "delivery" not in body:
        return {}
    delivery = body["delivery"]
    if type(delivery) is not dict:
        found.wrong_type("delivery", "an object with webhook_url")
        return {}
    found.unknown(delivery, ("webhook_url", "secret"), "delivery")
    url = delivery.get("webhook_url")
    rules = destinations.DEVELOPMENT if allow_http else destinations.PUBLIC
    try:
        read_destination(url if type(url) is str else "", rules)
    except DestinationRefused as refusal:
        found.refuse("delivery.webhook_url", refusal.reason, str(refusal))
    secret = delivery.get("secret")
    if "secret" in delivery and not secrets.is_secret(secret):
        found.refuse("delivery.secret", "invalid_secret", secrets.RULE)
    return {"webhook_url": url, "webhook_secret": secret}


def _check_source(found: Findings, body: Mapping[str, Any]) -> None:
    if ("items" in body) == ("input_file_id" in body):
        text = "Give exactly one of items and input_file_id."
        found.refuse("items", "ambiguous" if "items" in body else "required", text)


def _word(name: str, allowed: tuple[str, ...]) -> Any:
    def read(found: Findings, value: Any) -> Any:
        found.word(value, allowed, name)
        return value

    return read


def _slug(name: str) -> Any:
    def read(found: Findings, value: Any) -> Any:
        if type(value) is not str or not _SLUG.match(value):
            found.refuse(name, "invalid_name", "Give a name in lower case.")
        return value

    return read


def _regions(found: Findings, value: Any) -> tuple[str, ...]:
    if type(value) is not list or not value:
        found.wrong_type("allowed_regions", "a list of regions")
        return ()
    for index, region in enumerate(value):
        if not found.word(region, REGIONS, f"allowed_regions[{index}]"):
            return ()
    if len(set(value)) != len(value):
        found.refuse("allowed_regions", "duplicate", "A region is named twice.")
    return tuple(value)


def _price(found: Findings, value: Any) -> int:
    text = value
    if type(value) is dict:
        found.unknown(value, ("amount", "currency"), "max_price")
        if value.get("currency") != "usd":
            found.word(value.get("currency"), ("usd",), "max_price.currency")
        text = value.get("amount")
    try:
        nanousd = money.parse_usd(text) if type(text) is str else 0
    except money.MoneyFormatError:
        nanousd = 0
    if nanousd == 0:
        message = 'Give dollars above zero as text, such as "14.60".'
        found.refuse("max_price", "invalid_money", message)
    return nanousd


def _metadata(found: Findings, value: Any) -> Any:
    found.metadata(value, "metadata")
    return value


def _flag(name: str) -> Any:
    def read(found: Findings, value: Any) -> Any:
        found.flag(value, name)
        return value

    return read


def _retention(found: Findings, value: Any) -> Any:
    found.whole(value, "retention_days", RETENTION_DAYS_MIN, RETENTION_DAYS_MAX)
    return value


def _file_id(found: Findings, value: Any) -> Any:
    if type(value) is not str or not ids.looks_like_id(value, "file"):
        found.refuse("input_file_id", "invalid_id", "Give the id of a file: file_….")
    return value


_READERS: dict[str, Any] = {
    "sla_tier": _word("sla_tier", tuple(SLA_HOURS)),
    "routing_mode": _word("routing_mode", ROUTING_MODES),
    "route_policy": _slug("route_policy"),
    "privacy_tier": _word("privacy_tier", PRIVACY_TIERS),
    "allowed_regions": _regions,
    "provider_preferences": read_preferences,
    "max_price": _price,
    "metadata": _metadata,
    "workflow": _slug("workflow"),
    "on_invalid": _word("on_invalid", ON_INVALID),
    "dedupe": _flag("dedupe"),
    "exclude_golden": _flag("exclude_golden"),
    "retention_days": _retention,
    "input_file_id": _file_id,
}
