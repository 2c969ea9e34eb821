"""The public catalog pages: models, workflows, providers, rankings."""

import re
from datetime import UTC

import pytest
from django.test import Client

from batchrouter.kit import clock
from catalog import demand
from catalog.models import Offering
from tests.factories.billing import funded_org


def text_of(path: str) -> str:
    body = Client().get(path).content.decode()
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def rows_of(path: str) -> list[str]:
    """Return the slugs of the models in the table, in order."""
    body = Client().get(path).content.decode()
    return re.findall(r'<span class="sub id">([^<]+)</span>', body)


@pytest.mark.usefixtures("market")
def test_models_are_listed_with_prices_per_million_tokens() -> None:
    text = text_of("/catalog/models?q=gpt-5.4-mini")
    assert "GPT-5.4 mini gpt-5.4-mini $0.75 $4.50 $0.375 / $2.25 50 % 272K" in text


@pytest.mark.usefixtures("market")
def test_a_model_is_shown_with_all_of_its_offerings() -> None:
    text = text_of("/catalog/models/gpt-5.4-mini")
    assert "OpenAI batch 0.375 0.0375 2.25 global confidential open" in text
    assert "A batch job saves 50 %" in text
    assert '"model": "gpt-5.4-mini"' in Client().get(
        "/catalog/models/gpt-5.4-mini"
    ).content.decode().replace("&quot;", '"')


@pytest.mark.usefixtures("market")
def test_lanes_that_are_not_connected_say_so() -> None:
    Offering.objects.filter(model__slug="claude-opus-5").update(adapter="")
    assert "not connected" in text_of("/catalog/models/claude-opus-5")


@pytest.mark.usefixtures("market")
def test_models_are_found_by_words_of_their_name() -> None:
    found = rows_of("/catalog/models?q=GPT+mini")
    assert "gpt-5.4-mini" in found
    assert all("gpt" in slug.lower() and "mini" in slug.lower() for slug in found)


@pytest.mark.usefixtures("market")
def test_models_are_sorted_by_price_both_ways() -> None:
    upward = rows_of("/catalog/models?sort=input&provider=openai")
    downward = rows_of("/catalog/models?sort=-input&provider=openai")
    assert len(upward) > 3
    assert upward != downward
    assert upward[0] == downward[-1]


@pytest.mark.usefixtures("market")
def test_filters_that_are_no_choices_are_no_filters() -> None:
    everything = rows_of("/catalog/models")
    assert rows_of("/catalog/models?provider=x&region=moon&sort=x") == everything


@pytest.mark.usefixtures("market")
def test_a_search_without_a_hit_says_how_to_go_on() -> None:
    text = text_of("/catalog/models?q=zzz")
    assert "No model meets all of that" in text
    assert "Show all models" in text


@pytest.mark.usefixtures("market")
def test_what_was_searched_is_only_text() -> None:
    body = Client().get('/catalog/models?q="><script>alert(1)</script>')
    assert "<script>alert" not in body.content.decode()


@pytest.mark.usefixtures("market")
def test_workflows_are_listed_with_their_promise() -> None:
    text = text_of("/workflows")
    assert "Support ticket triage" in text
    assert "classify-support-tickets v1 · 98 % done in 24 h · fee 11.8 %" in text


@pytest.mark.usefixtures("market")
def test_a_workflow_leads_to_a_quote_of_it() -> None:
    body = Client().get("/workflows/classify-support-tickets").content.decode()
    assert 'href="/batches/new?workflow=classify-support-tickets"' in body
    text = text_of("/workflows/classify-support-tickets")
    assert "urgency one of critical, high, normal, low" in text
    assert "not truncated" in text


@pytest.mark.usefixtures("market")
def test_providers_are_listed_without_rates_that_chance_made() -> None:
    text = text_of("/catalog/providers")
    assert "OpenAI open — — — none batch, direct confidential 30 d" in text


@pytest.mark.usefixtures("market")
def test_a_provider_that_does_not_say_how_long_it_keeps_data_is_shown_so() -> None:
    assert "not told" in text_of("/catalog/providers/deepseek")
    assert "30 days" in text_of("/catalog/providers/openai")


@pytest.mark.usefixtures("market")
def test_a_provider_says_where_its_facts_are_from() -> None:
    body = Client().get("/catalog/providers/openai").content.decode()
    assert "https://github.com/openai/tiktoken" in body
    assert "GPT-5.4 mini" in body


@pytest.mark.usefixtures("market")
def test_a_ranking_of_too_few_is_not_told() -> None:
    assert "Too few organizations" in text_of("/rankings")


@pytest.mark.usefixtures("market")
def test_a_ranking_is_a_picture_and_a_table() -> None:
    today = clock.now().astimezone(UTC).date()
    work = demand.Settled(
        kind="model",
        slug="gpt-5.4-mini",
        provider="openai",
        operation="responses",
        items=400,
        tokens=40_000,
    )
    for _ in range(demand.ORGS_MIN):
        demand.fold([work], org_id=funded_org(usd=1).pk, day=today)
    text = text_of("/rankings?window=24h")
    assert "GPT-5.4 mini: 1,200" in text
    assert "1. GPT-5.4 mini 100.0 % 1,200 120K 3" in text


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/catalog/models", "/workflows", "/catalog/providers"]
)
def test_an_empty_catalog_says_who_fills_it(path: str) -> None:
    assert "The catalog is empty." in text_of(path)
