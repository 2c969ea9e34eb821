"""POST /v1/batches/quote and GET /v1/quotes/{id}."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import orjson
import pytest

from batches.models import Item, Manifest, Quote, StoredFile
from batches.store import store
from batchrouter.kit import clock
from billing.models import Reservation
from catalog.selectors import model_profiles
from tests.batches.conftest import Customer
from tests.factories.batches import make_item, make_items, make_manifest, make_quote
from tests.support.api_client import error_of

QUOTE = "/v1/batches/quote"


def quoted(customer: Customer, **body: Any) -> dict[str, Any]:
    response = customer.api.post(QUOTE, {"items": make_items(1), **body})
    assert response.status_code == 200, response.content
    found: dict[str, Any] = response.json()
    return found


def test_a_quote_shows_everything_that_was_promised(owner: Customer) -> None:
    assert set(quoted(owner)) == {
        "quote_id",
        "object",
        "state",
        "valid_until",
        "deadline_at",
        "route_version",
        "item_count",
        "input_file_id",
        "pricing_estimate",
        "fee_bps",
        "funding_preview",
        "route_decision",
        "lanes",
        "work_units",
        "work_units_truncated",
        "price_range",
        "price_deadline_curve",
        "golden",
        "sample_run",
        "duplicates",
        "skipped",
        "skipped_count",
    }


def test_the_route_decision_has_the_documented_fields(owner: Customer) -> None:
    decision = quoted(owner)["route_decision"]

    assert set(decision) == {
        "selected_provider",
        "quality_score",
        "reliability_prior_score",
        "observed_confidence_score",
        "observed_confidence_basis",
        "trust_score",
        "fallback_order",
        "rejected_providers",
    }
    assert decision["selected_provider"] == "openai"
    assert decision["fallback_order"][0] == "openai"
    assert decision["observed_confidence_basis"] == "none"


def test_the_price_is_flat_decimal_text(owner: Customer) -> None:
    assert quoted(owner)["pricing_estimate"] == {
        "currency": "usd",
        "provider_subtotal": "0.00023475",
        "service_fee": "0.000013851",
        "total": "0.000248601",
        "expected_total": "0.000129463",
    }


def test_the_funding_preview_compares_credits_with_the_total(owner: Customer) -> None:
    assert quoted(owner)["funding_preview"] == {
        "available": {"amount": "50.00", "currency": "usd"},
        "reserved": {"amount": "0.00", "currency": "usd"},
        "quote_total": {"amount": "0.000248601", "currency": "usd"},
        "shortfall": {"amount": "0.00", "currency": "usd"},
        "can_fund": True,
    }


def test_the_selected_lane_is_the_native_batch(owner: Customer) -> None:
    (selected,) = [lane for lane in quoted(owner)["lanes"] if lane["selected"]]

    assert (selected["provider"], selected["mode"]) == ("openai", "batch")
    assert selected["ceiling"] == {"amount": "0.00023475", "currency": "usd"}


def test_a_refused_lane_says_why(owner: Customer) -> None:
    body = quoted(owner, provider_preferences={"exclude": ["openai"]}, items=[
        make_item(model_options=["gpt-5.4-mini", "deepseek-flash"])
    ])  # fmt: skip

    refused = [lane for lane in body["lanes"] if lane["rejection_code"]]
    assert {lane["rejection_code"] for lane in refused} == {"preference_excluded"}
    assert all(lane["reason"].endswith(".") for lane in refused)
    assert body["route_decision"]["rejected_providers"] == [
        {
            "provider": "openai",
            "rejection_code": "preference_excluded",
            "reason": refused[0]["reason"],
        }
    ]


def test_nothing_is_reserved_by_a_quote(owner: Customer) -> None:
    quoted(owner)

    assert not Reservation.objects.exists()


def test_equal_items_are_counted_as_duplicates(owner: Customer) -> None:
    assert quoted(owner, items=make_items(3))["duplicates"] == {
        "count": 2,
        "collapsed": False,
        "saved": "0.00",
    }


def test_work_units_name_ranges_and_never_ids(owner: Customer) -> None:
    (unit,) = quoted(owner, items=make_items(250))["work_units"]

    assert unit["items"] == ["0-249"]
    assert unit["item_count"] == 250


def test_a_quote_is_read_again(owner: Customer) -> None:
    made = quoted(owner)

    again = owner.api.get(f"/v1/quotes/{made['quote_id']}").json()

    assert again == made
    assert again["state"] == "active"


def test_a_strangers_quote_is_not_found(owner: Customer, stranger: Customer) -> None:
    made = quoted(owner)

    response = stranger.api.get(f"/v1/quotes/{made['quote_id']}")

    assert error_of(response) == (404, "not_found")


def test_a_quote_past_its_time_reads_as_expired(owner: Customer) -> None:
    quote = make_quote(owner.org)
    Quote.objects.filter(pk=quote.pk).update(
        valid_until=clock.now() - timedelta(seconds=1)
    )

    shown = owner.api.get(f"/v1/quotes/{quote.public_id}").json()

    assert shown["state"] == "expired"


def test_a_quote_of_five_thousand_items_stays_small(owner: Customer) -> None:
    response = owner.api.post(QUOTE, {"items": make_items(5000)})

    assert response.status_code == 200
    assert len(response.content) < 64 * 1024


def items_of_200_groups(rounds: int) -> list[dict[str, Any]]:
    """Return items of every order of three models, so that ranges never join."""
    facts = model_profiles().values()
    texts = [model.slug for model in facts if "responses" in model.operations]
    options = list(permutations(texts[:8], 3))[:200]
    return [
        make_item(number, model=three[0], model_options=list(three))
        for number, three in enumerate(options * rounds)
    ]


def test_a_quote_of_as_many_groups_as_there_may_be_stays_small(
    owner: Customer,
) -> None:
    body = {"items": items_of_200_groups(25), "privacy_tier": "confidential"}

    response = owner.api.post(QUOTE, body)

    assert response.status_code == 200, response.content[:500]
    assert len(response.content) < 64 * 1024
    assert response.json()["work_units_truncated"] is True


def test_what_is_left_out_is_counted_even_where_the_list_is_cut(
    owner: Customer,
) -> None:
    items = [make_item(9999, model="gpt-5.4-mini"), *items_of_200_groups(20)]
    wishes = {"provider_preferences": {"only": ["openai"]}, "on_invalid": "skip"}
    others = [item for item in items[1:] if "gpt" not in str(item["model_options"])]

    response = owner.api.post(QUOTE, {"items": [items[0], *others], **wishes})

    assert response.status_code == 200, response.content[:500]
    assert len(response.content) < 64 * 1024
    assert response.json()["skipped_count"] == len(others)


def test_manifest_problems_are_listed_by_line_field_and_code(owner: Customer) -> None:
    items = [make_item(0), make_item(1, operation="dance"), make_item(2, extra=1)]

    response = owner.api.post(QUOTE, {"items": items})

    assert error_of(response) == (400, "invalid_manifest")
    details = response.json()["error"]["details"]
    assert details["error_count"] == 2
    assert [
        (
            problem["line"],
            problem["customer_item_id"],
            problem["field"],
            problem["code"],
        )
        for problem in details["errors"]
    ] == [
        (2, "item-1", "items[1].operation", "not_allowed"),
        (3, "item-2", "items[2].extra", "unknown_field"),
    ]


def test_nothing_is_kept_of_a_refused_manifest(owner: Customer) -> None:
    owner.api.post(QUOTE, {"items": [make_item(0), make_item(0)]})

    assert not StoredFile.objects.exists()
    assert not Manifest.objects.exists()
    assert not Item.objects.exists()
    files = [path for path in store().root.rglob("*") if path.is_file()]
    assert files == []


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"items": [make_item(model="gpt-99")]}, "items[0].model", "unknown_model"),
    ({}, "items", "required"),
    ({"items": make_items(1), "input_file_id": "x"}, "input_file_id", "invalid_id"),
    ({"items": []}, "", "empty_manifest"),
    ({"items": "all"}, "items", "wrong_type"),
    ({"items": make_items(1), "color": "red"}, "color", "unknown_field"),
    ({"items": make_items(1), "sla_tier": "soon"}, "sla_tier", "not_allowed"),
    (
        {"items": make_items(1), "deadline_at": "2020-01-01T00:00:00Z"},
        "deadline_at",
        "out_of_range",
    ),
]


@pytest.mark.parametrize(("body", "field", "code"), REFUSED)
def test_a_malformed_manifest_is_refused_by_field(
    owner: Customer, body: dict[str, Any], field: str, code: str
) -> None:
    response = owner.api.post(QUOTE, body)

    assert error_of(response) == (400, "invalid_manifest")
    found = response.json()["error"]["details"]["errors"]
    assert (field, code) in [(problem["field"], problem["code"]) for problem in found]
    assert not Quote.objects.exists()


def test_items_and_a_file_together_are_ambiguous(owner: Customer) -> None:
    manifest = make_manifest(owner.org, make_items(1))

    response = owner.api.post(
        QUOTE, {"items": make_items(1), "input_file_id": manifest.file.public_id}
    )

    (problem,) = response.json()["error"]["details"]["errors"]
    assert (problem["field"], problem["code"]) == ("items", "ambiguous")


def test_more_than_five_thousand_items_belong_into_a_file(owner: Customer) -> None:
    response = owner.api.post(QUOTE, {"items": make_items(5001)})

    (problem,) = response.json()["error"]["details"]["errors"]
    assert (problem["field"], problem["code"]) == ("items", "too_many_items")


def test_invalid_items_are_left_out_on_request(owner: Customer) -> None:
    items = [make_item(0), make_item(1, model="gpt-99"), make_item(2)]

    body = quoted(owner, items=items, on_invalid="skip")

    assert (body["item_count"], body["skipped_count"]) == (2, 1)
    (skipped,) = body["skipped"]
    assert (skipped["line"], skipped["code"]) == (2, "unknown_model")


def test_a_file_is_quoted_by_its_id(owner: Customer) -> None:
    manifest = make_manifest(owner.org, make_items(7))

    response = owner.api.post(QUOTE, {"input_file_id": manifest.file.public_id})

    assert response.json()["item_count"] == 7
    assert response.json()["input_file_id"] == manifest.file.public_id


def test_a_strangers_file_is_unknown(owner: Customer, stranger: Customer) -> None:
    manifest = make_manifest(owner.org, make_items(1))

    response = stranger.api.post(QUOTE, {"input_file_id": manifest.file.public_id})

    assert error_of(response) == (400, "invalid_request")
    assert response.json()["error"]["param"] == "input_file_id"


def test_an_unplaceable_manifest_is_refused_with_every_lanes_reason(
    owner: Customer,
) -> None:
    response = owner.api.post(
        QUOTE, {"items": make_items(1), "allowed_regions": ["us"]}
    )

    assert error_of(response) == (422, "no_eligible_lane")
    (group,) = response.json()["error"]["details"]["groups"]
    assert [
        (lane["provider"], lane["mode"], lane["code"]) for lane in group["lanes"]
    ] == [
        ("openai", "batch", "region_not_allowed"),
        ("openai", "direct", "region_not_allowed"),
    ]
    assert not Quote.objects.exists()


def test_an_unknown_route_policy_is_refused(owner: Customer) -> None:
    response = owner.api.post(
        QUOTE, {"items": make_items(1), "route_policy": "best_of_all"}
    )

    assert error_of(response) == (400, "route_policy_unknown")
    assert response.json()["error"]["param"] == "route_policy"


def test_an_unknown_workflow_is_refused(owner: Customer) -> None:
    response = owner.api.post(QUOTE, {"items": make_items(1), "workflow": "nothing"})

    assert response.status_code == 400
    assert response.json()["error"]["param"] == "workflow"


def test_a_price_above_the_wish_is_refused(owner: Customer) -> None:
    response = owner.api.post(QUOTE, {"items": make_items(1), "max_price": "0.0001"})

    assert error_of(response) == (422, "max_price_exceeded")
    assert response.json()["error"]["details"]["total"] == "0.000248601"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"{", "invalid_json"),
        (b"[]", "invalid_json"),
        (b'{"items": [], "items": []}', "invalid_json"),
        (b'{"items": NaN}', "invalid_json"),
        (b"\xff\xfe{\x00}\x00", "invalid_json"),
        (b'{"a": ' + b"[" * 40 + b"]" * 40 + b"}", "invalid_json"),
    ],
)
def test_a_body_that_is_no_strict_json_is_refused(
    owner: Customer, data: bytes, code: str
) -> None:
    response = owner.api.send(QUOTE, data, content_type="application/json")

    assert error_of(response) == (400, code)


def test_a_body_of_another_type_is_refused(owner: Customer) -> None:
    response = owner.api.send(QUOTE, orjson.dumps({}), content_type="text/plain")

    assert error_of(response) == (415, "unsupported_media_type")
