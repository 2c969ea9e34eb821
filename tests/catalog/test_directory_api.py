"""Providers, packaged jobs, policies and rankings, as the public API shows them."""

from collections.abc import Callable
from typing import Any

import pytest

from batchrouter.kit import clock
from catalog import schemas
from catalog.demand import Settled, fold
from catalog.health import fold as fold_health
from catalog.health import fold_latencies
from catalog.models import Offering

Get = Callable[..., Any]
pytestmark = pytest.mark.usefixtures("loaded")

MODELS = "/v1/catalog/models"
PROVIDERS = "/v1/catalog/providers"
PRODUCTS = "/v1/catalog/workflow-products"
RANKINGS = "/v1/catalog/rankings"


def fields(shape: Any) -> set[str]:
    return set(shape().fields)


def test_providers_show_their_posture(get: Get) -> None:
    reply = get(PROVIDERS)
    openai = reply["data"][0]

    assert len(reply["data"]) == 10
    assert set(openai) == fields(schemas.CatalogProviderSerializer)
    assert (openai["slug"], openai["retention_days"]) == ("openai", 30)
    assert openai["trains_on_data"] is False
    assert openai["health"]["24h"] == {
        "basis": "too_few_calls",
        "success_rate": None,
        "latency_ms_p50": None,
        "latency_ms_p95": None,
    }
    assert openai["present"] == {
        "backlog": "none",
        "open_breakers": 0,
        "drifting_lanes": 0,
    }


def test_a_provider_shows_observed_health(get: Get) -> None:
    fold_health(provider="openai", at=clock.now(), succeeded=99, failed=1)

    health = get(f"{PROVIDERS}/openai")["health"]

    assert health["24h"] == {
        "basis": "observed",
        "success_rate": 0.99,
        "latency_ms_p50": None,
        "latency_ms_p95": None,
    }


def test_a_provider_shows_how_long_its_calls_took(get: Get) -> None:
    offering = Offering.objects.filter(provider__key="openai", mode="direct").first()
    assert offering is not None
    fold_latencies(offering.pk, at=clock.now(), calls={20: 94, 28: 6})

    health = get(f"{PROVIDERS}/openai")["health"]

    assert health["24h"] == {
        "basis": "too_few_calls",
        "success_rate": None,
        "latency_ms_p50": 320,
        "latency_ms_p95": 1280,
    }


def test_one_provider_adds_its_models(get: Get) -> None:
    provider = get(f"{PROVIDERS}/deepseek")

    assert set(provider) == fields(schemas.CatalogProviderDetailSerializer)
    assert provider["models"] == ["deepseek-flash", "deepseek-v4-pro"]


def test_every_fact_of_a_provider_names_its_source(get: Get) -> None:
    for provider in get(PROVIDERS)["data"]:
        assert provider["facts"]
        for fact in provider["facts"]:
            assert set(fact) == {"fact", "basis", "source"}


def test_products_have_the_documented_fields(get: Get) -> None:
    reply = get(PRODUCTS)

    assert len(reply["data"]) >= 6
    for product in reply["data"]:
        assert set(product) == fields(schemas.CatalogWorkflowProductSerializer)


def test_a_product_is_found_by_slug_and_by_version(get: Get) -> None:
    current = get(f"{PRODUCTS}/classify-support-tickets")

    assert current["version"] == "v1"
    assert get(f"{PRODUCTS}/classify-support-tickets@v1") == current


def test_the_output_schema_of_a_product_is_that_of_its_items(get: Get) -> None:
    product = get(f"{PRODUCTS}/review-sentiment")
    item = product["preset_manifest"]["items"][0]

    output = product["artifact_contract"]["output"]
    assert output["output_schema"] == item["verify"]["json_schema"]


def test_route_policies_are_named(get: Get) -> None:
    assert [row["name"] for row in get("/v1/route-policies")["data"]] == [
        "eu_confidential",
        "lowest_cost_under_sla",
        "agent_main_thread_fast_async",
        "zdr_only",
        "quality_first_review",
    ]


def test_rankings_are_valid_without_demand(get: Get) -> None:
    reply = get(RANKINGS)

    assert set(reply) == set(schemas.RANKING.fields)
    assert (reply["kind"], reply["window"]) == ("model", "30d")
    assert (reply["data"], reply["other"]) == ([], None)


def test_rankings_show_settled_demand_without_orgs(get: Get) -> None:
    today = clock.now().date()
    for org_id in (7001, 7002, 7003):
        work = Settled("model", "gpt-5.4", "openai", "responses", 50, 900)
        fold([work], org_id=org_id, day=today)

    reply = get(RANKINGS, window="7d", provider="openai", operation="responses")

    assert reply["data"] == [
        {
            "rank": 1,
            "display_name": "GPT-5.4",
            "slug": "gpt-5.4",
            "items": 150,
            "tokens": 2700,
            "batches": 3,
            "share": "1.0000",
            "change": None,
        }
    ]
    assert set(reply["data"][0]) == fields(schemas.CatalogRankingRowSerializer)
