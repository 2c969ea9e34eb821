"""Models, their offerings, prices and filters, as the public API shows them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from catalog import schemas
from catalog.models import Offering
from tests.factories.catalog import OfferingFactory

Get = Callable[..., Any]
pytestmark = pytest.mark.usefixtures("loaded")

MODELS = "/v1/catalog/models"
PROVIDERS = "/v1/catalog/providers"
PRODUCTS = "/v1/catalog/workflow-products"
RANKINGS = "/v1/catalog/rankings"


def fields(shape: Any) -> set[str]:
    return set(shape().fields)


def slugs(reply: Any) -> list[str]:
    return [row["slug"] for row in reply["data"]]


def test_models_come_in_the_list_envelope(get: Get) -> None:
    reply = get(MODELS)

    assert set(reply) == {"object", "data", "has_more", "next_cursor"}
    assert (reply["object"], reply["has_more"], reply["next_cursor"]) == (
        "list",
        False,
        None,
    )


def test_a_model_has_the_documented_fields(get: Get) -> None:
    model = get(MODELS)["data"][0]
    offering = model["provider_offerings"][0]

    assert set(model) == fields(schemas.CatalogModelSerializer)
    assert set(offering) == fields(schemas.CatalogOfferingSerializer)
    assert set(offering["prices"]) == fields(schemas.CatalogPricesSerializer)
    assert set(offering["privacy"]) == fields(schemas.CatalogPrivacySerializer)


def test_prices_are_decimal_strings_with_source_and_date(get: Get) -> None:
    model = get(f"{MODELS}/gpt-5.4-mini")
    (batch,) = [row for row in model["provider_offerings"] if row["mode"] == "batch"]

    assert batch["prices"] == {
        "currency": "usd",
        "per_tokens": 1_000_000,
        "input": "0.375",
        "cached_input": "0.0375",
        "output": "2.25",
        "tiers": [],
    }
    assert batch["source"] == "https://developers.openai.com/api/docs/pricing"
    assert batch["as_of"] == "2026-11-22"


def test_tiers_are_shown(get: Get) -> None:
    model = get(f"{MODELS}/gpt-5.4")
    (batch,) = [row for row in model["provider_offerings"] if row["mode"] == "batch"]

    assert batch["prices"]["tiers"] == [
        {
            "above_input_tokens": 272_000,
            "input": "2.50",
            "cached_input": "0.25",
            "output": "11.25",
        }
    ]


def test_one_model_adds_routing_and_an_example_manifest(get: Get) -> None:
    model = get(f"{MODELS}/gpt-5.4-mini")

    assert set(model) == fields(schemas.CatalogModelDetailSerializer)
    assert model["routing"]["modes"] == ["batch", "direct"]
    assert [row["mode"] for row in model["routing"]["fallback_order"]] == [
        "batch",
        "direct",
    ]
    (item,) = model["example_manifest"]["items"]
    assert (item["operation"], item["model"]) == ("responses", "gpt-5.4-mini")


def test_an_embedding_model_has_an_embedding_example(get: Get) -> None:
    model = get(f"{MODELS}/text-embedding-3-small")

    assert model["example_manifest"]["items"][0]["operation"] == "embeddings"


def test_a_slug_may_hold_slashes(get: Get) -> None:
    model = get(f"{MODELS}/openai/gpt-oss-120b")

    assert {row["provider"] for row in model["provider_offerings"]} == {
        "groq",
        "together",
    }


def test_a_retired_model_says_so(get: Get) -> None:
    model = get(f"{MODELS}/meta-llama/Llama-3.3-70B-Instruct-Turbo")

    assert model["deprecates_at"] == "2026-10-22T00:00:00.000Z"
    assert model["provider_offerings"][0]["status"] == "retired"
    assert model["routing"]["fallback_order"] == []


def test_statuses_tell_why_nothing_is_routed(get: Get) -> None:
    Offering.objects.filter(model__slug="gpt-5.4", mode="direct").update(enabled=False)
    Offering.objects.filter(model__slug="claude-opus-5").update(adapter="")
    unpriced = OfferingFactory.create()

    def statuses(slug: str) -> dict[str, str]:
        offerings = get(f"{MODELS}/{slug}")["provider_offerings"]
        return {row["mode"]: row["status"] for row in offerings}

    assert statuses("gpt-5.4") == {"batch": "active", "direct": "disabled"}
    assert statuses("claude-opus-5") == {
        "batch": "not_connected",
        "direct": "not_connected",
    }
    assert statuses(unpriced.model.slug) == {"direct": "unpriced"}


def test_models_are_filtered_by_operation(get: Get) -> None:
    assert slugs(get(MODELS, operation="embeddings")) == [
        "text-embedding-3-small",
        "text-embedding-3-large",
        "gemini-embedding-2",
        "gemini-embedding-001",
        "mistral-embed",
    ]


def test_models_are_filtered_by_provider(get: Get) -> None:
    reply = get(MODELS, provider="deepseek")

    assert slugs(reply) == ["deepseek-flash", "deepseek-v4-pro"]


def test_a_filter_hides_the_offerings_that_do_not_match(get: Get) -> None:
    (model,) = [
        row
        for row in get(MODELS, provider="groq")["data"]
        if row["slug"] == "openai/gpt-oss-120b"
    ]

    assert {row["provider"] for row in model["provider_offerings"]} == {"groq"}


def test_models_are_filtered_by_region(get: Get) -> None:
    reply = get(MODELS, region="eu", operation="embeddings")

    assert slugs(reply) == ["mistral-embed"]


def test_models_are_filtered_by_privacy_tier(get: Get) -> None:
    reply = get(MODELS, privacy_tier="restricted")
    providers = {
        row["provider"]
        for model in reply["data"]
        for row in model["provider_offerings"]
    }

    assert providers == {"fireworks"}


def test_pages_of_models_follow_each_other(get: Get) -> None:
    every = slugs(get(MODELS))

    first = get(MODELS, limit="40")
    rest = get(MODELS, limit="40", cursor=first["next_cursor"])

    assert first["has_more"]
    assert slugs(first) + slugs(rest) == every


def test_a_cursor_of_another_filter_is_refused(get: Get, client: Client) -> None:
    cursor = get(MODELS, limit="1")["next_cursor"]

    response = client.get(MODELS, {"cursor": cursor, "operation": "embeddings"})

    assert response.json()["error"]["code"] == "invalid_cursor"


def test_the_list_of_models_takes_few_queries(
    get: Get, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    with django_assert_max_num_queries(4):
        get(MODELS)
