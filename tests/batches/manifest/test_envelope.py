"""The manifest without its items."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from batches.manifest.envelope import Spec, read_envelope
from batches.manifest.problems import InvalidManifest
from routing.contracts import Preferences
from tests.batches.manifest.helpers import places

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
FILE_ID = "file_01jd0000000000000000000000"


def body(**fields: Any) -> dict[str, Any]:
    return {"items": [{}]} | fields


def refused(*, allow_http: bool = False, **fields: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidManifest) as caught:
        read_envelope(body(**fields), now=NOON, allow_http=allow_http)
    return [(field, code) for _, field, code in places(caught.value)]


def test_fills_in_what_is_left_out() -> None:
    assert read_envelope(body(), now=NOON) == Spec(
        sla_tier="standard",
        deadline_at=None,
        routing_mode="sla_aware",
        route_policy=None,
        privacy_tier="standard",
        allowed_regions=("global",),
        preferences=Preferences(),
        max_price_nanousd=None,
        webhook_url=None,
        webhook_secret=None,
        metadata={},
        workflow=None,
        on_invalid="reject",
        dedupe=False,
        input_file_id=None,
    )


def full() -> Spec:
    return read_envelope(
        {
            "deadline_at": "2026-11-22T15:00:00.1234+01:00",
            "routing_mode": "hybrid",
            "route_policy": "eu-only.v2",
            "privacy_tier": "restricted",
            "allowed_regions": ["eu", "us"],
            "provider_preferences": {
                "only": ["openai", "groq"],
                "order": ["groq"],
                "exclude": [],
                "allow_fallbacks": False,
                "max_latency_seconds": 60,
            },
            "max_price": {"amount": "14.60", "currency": "usd"},
            "delivery": {"webhook_url": "https://example.com/h", "secret": "s" * 24},
            "metadata": {"team": "billing"},
            "workflow": "support-rollup",
            "on_invalid": "skip",
            "dedupe": True,
            "input_file_id": FILE_ID,
        },
        now=NOON,
    )


def test_reads_everything_that_can_be_wished() -> None:
    assert full() == Spec(
        deadline_at=datetime(2026, 11, 22, 14, 0, 0, 123_000, tzinfo=UTC),
        routing_mode="hybrid",
        route_policy="eu-only.v2",
        privacy_tier="restricted",
        allowed_regions=("eu", "us"),
        preferences=Preferences(
            only=("openai", "groq"),
            order=("groq",),
            allow_fallbacks=False,
            max_latency_seconds=60,
        ),
        max_price_nanousd=14_600_000_000,
        webhook_url="https://example.com/h",
        webhook_secret="s" * 24,
        metadata={"team": "billing"},
        workflow="support-rollup",
        on_invalid="skip",
        dedupe=True,
        input_file_id=FILE_ID,
    )


@pytest.mark.parametrize("spec", [Spec(), full()])
def test_comes_back_from_storage_as_it_was(spec: Spec) -> None:
    assert Spec.from_json(spec.to_json()) == spec


def test_hides_the_secret_in_its_repr() -> None:
    assert "ssss" not in repr(full())


@pytest.mark.parametrize(
    ("tier", "hours"), [("priority", 1), ("standard", 24), ("flex", 48)]
)
def test_counts_the_deadline_from_now(tier: str, hours: int) -> None:
    spec = read_envelope(body(sla_tier=tier), now=NOON)

    assert spec.deadline(NOON) == NOON + timedelta(hours=hours)


def test_prefers_the_customers_own_deadline() -> None:
    spec = read_envelope(body(deadline_at="2026-11-22T14:00:00Z"), now=NOON)

    assert spec.deadline(NOON) == datetime(2026, 11, 22, 14, 0, tzinfo=UTC)


@pytest.mark.parametrize("at", ["2026-11-22T12:01:00Z", "2026-11-29T12:00:00Z"])
def test_takes_deadlines_at_the_bounds(at: str) -> None:
    assert read_envelope(body(deadline_at=at), now=NOON).deadline_at is not None


def test_takes_a_price_as_text() -> None:
    spec = read_envelope(body(max_price="0.000000001"), now=NOON)

    assert spec.max_price_nanousd == 1


@pytest.mark.parametrize(
    ("fields", "field", "code"),
    [
        ({"sla_tier": "fast"}, "sla_tier", "not_allowed"),
        ({"sla_tier": ["flex"]}, "sla_tier", "not_allowed"),
        ({"deadline_at": "2026-11-22T12:00:59Z"}, "deadline_at", "out_of_range"),
        ({"deadline_at": "2026-11-29T12:00:01Z"}, "deadline_at", "out_of_range"),
        ({"deadline_at": "2026-11-23T12:00:00"}, "deadline_at", "invalid_time"),
        ({"deadline_at": "2026-11-23"}, "deadline_at", "invalid_time"),
        ({"deadline_at": "2026-13-23T12:00:00Z"}, "deadline_at", "invalid_time"),
        ({"deadline_at": "0001-01-01T00:00:00+23:59"}, "deadline_at", "invalid_time"),
        ({"deadline_at": "\uff12026-11-23T12:00:00Z"}, "deadline_at", "invalid_time"),
        ({"deadline_at": 1795435200}, "deadline_at", "invalid_time"),
        ({"routing_mode": "best"}, "routing_mode", "not_allowed"),
        ({"privacy_tier": "secret"}, "privacy_tier", "not_allowed"),
        ({"route_policy": "No Such"}, "route_policy", "invalid_name"),
        ({"workflow": ""}, "workflow", "invalid_name"),
        ({"allowed_regions": []}, "allowed_regions", "wrong_type"),
        ({"allowed_regions": "eu"}, "allowed_regions", "wrong_type"),
        ({"allowed_regions": ["eu", "eu"]}, "allowed_regions", "duplicate"),
        ({"allowed_regions": ["eu", "mars"]}, "allowed_regions[1]", "not_allowed"),
        ({"max_price": 14.6}, "max_price", "invalid_money"),
        ({"max_price": "0.00"}, "max_price", "invalid_money"),
        ({"max_price": "-1"}, "max_price", "invalid_money"),
        ({"max_price": "1e3"}, "max_price", "invalid_money"),
        ({"max_price": {"currency": "usd"}}, "max_price", "invalid_money"),
        (
            {"max_price": {"amount": "1", "currency": "eur"}},
            "max_price.currency",
            "not_allowed",
        ),
        ({"metadata": {"k": 1}}, "metadata.k", "wrong_type"),
        ({"on_invalid": "ignore"}, "on_invalid", "not_allowed"),
        ({"dedupe": 1}, "dedupe", "wrong_type"),
        ({"delivery": "https://example.com"}, "delivery", "wrong_type"),
        ({"delivery": {}}, "delivery.webhook_url", "invalid_url"),
        ({"provider_preferences": []}, "provider_preferences", "wrong_type"),
        ({"provider_preferences": {"x": 1}}, "provider_preferences.x", "unknown_field"),
        ({"provider_preferences": {"only": []}}, "provider_preferences.only", "empty"),
        (
            {"provider_preferences": {"order": ["a", "a"]}},
            "provider_preferences.order",
            "duplicate",
        ),
        (
            {"provider_preferences": {"exclude": ["a", 1]}},
            "provider_preferences.exclude[1]",
            "wrong_type",
        ),
        (
            {"provider_preferences": {"allow_fallbacks": "no"}},
            "provider_preferences.allow_fallbacks",
            "wrong_type",
        ),
        (
            {"provider_preferences": {"max_latency_seconds": 0}},
            "provider_preferences.max_latency_seconds",
            "out_of_range",
        ),
        ({"batch_name": "x"}, "batch_name", "unknown_field"),
    ],
)
def test_names_the_field_that_is_wrong(
    fields: dict[str, Any], field: str, code: str
) -> None:
    assert refused(**fields) == [(field, code)]


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/h",
        "ftp://example.com/h",
        "https:///h",
        "https://",
        "example.com",
        "https://user:pass@example.com/",
        "https://example.com/\n",
        "https://example.com:99999/",
        "https://example.com/" + "x" * 2_048,
        7,
        None,
    ],
)
def test_refuses_a_webhook_without_tls_or_host(url: Any) -> None:
    assert refused(delivery={"webhook_url": url}) == [
        ("delivery.webhook_url", "invalid_url")
    ]


def test_takes_a_plain_webhook_outside_production() -> None:
    delivery = {"webhook_url": "http://127.0.0.1:9000/h"}
    spec = read_envelope(body(delivery=delivery), now=NOON, allow_http=True)

    assert spec.webhook_url == "http://127.0.0.1:9000/h"


@pytest.mark.parametrize(
    "secret", ["s" * 23, "x" * 65, "é" * 24, "whsec_" + "QUJD" * 7, 5, None]
)
def test_refuses_a_weak_secret(secret: Any) -> None:
    delivery = {"webhook_url": "https://example.com/h", "secret": secret}

    assert refused(delivery=delivery) == [("delivery.secret", "invalid_secret")]


def test_refuses_a_tier_and_a_deadline_together() -> None:
    assert refused(sla_tier="flex", deadline_at="2026-11-22T14:00:00Z") == [
        ("deadline_at", "ambiguous")
    ]


def test_refuses_items_and_a_file_together() -> None:
    assert refused(input_file_id=FILE_ID) == [("items", "ambiguous")]


def test_asks_for_items_or_a_file() -> None:
    with pytest.raises(InvalidManifest) as caught:
        read_envelope({}, now=NOON)

    assert places(caught.value) == [(None, "items", "required")]


@pytest.mark.parametrize("file_id", ["batch_01jd0000000000000000000000", "file_1", 3])
def test_refuses_what_is_not_the_id_of_a_file(file_id: Any) -> None:
    with pytest.raises(InvalidManifest) as caught:
        read_envelope({"input_file_id": file_id}, now=NOON)

    assert places(caught.value) == [(None, "input_file_id", "invalid_id")]


def test_lists_all_problems_at_once() -> None:
    assert refused(sla_tier="x", dedupe=0, nonsense=1) == [
        ("nonsense", "unknown_field"),
        ("sla_tier", "not_allowed"),
        ("dedupe", "wrong_type"),
    ]


def test_joins_refusals_of_the_envelope_and_the_items() -> None:
    caught = []
    for fields in ({"sla_tier": "x"}, {"dedupe": 0}):
        with pytest.raises(InvalidManifest) as one:
            read_envelope(body(**fields), now=NOON)
        caught.append(one.value)

    merged = InvalidManifest.merged(*caught)

    assert places(merged) == [
        (None, "sla_tier", "not_allowed"),
        (None, "dedupe", "wrong_type"),
    ]
    assert merged.details["error_count"] == 2
