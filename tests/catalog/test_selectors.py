"""Other apps get plain values, with the price of the instant, in few queries."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from catalog import selectors
from catalog.models import Offering, Provider, WorkflowProduct
from catalog.pricing import PriceTier
from catalog.values import CatalogOffering
from tests.catalog.conftest import NOON
from tests.factories.catalog import (
    LONG_AGO,
    ModelProfileFactory,
    OfferingFactory,
    OfferingPriceFactory,
    ProviderFactory,
)

QueryCount = Callable[[int], AbstractContextManager[Any]]


def only(slug: str, **wanted: str) -> CatalogOffering:
    (found,) = [
        offering
        for offering in selectors.offerings_for_models([slug], now=NOON)
        if all(getattr(offering, name) == value for name, value in wanted.items())
    ]
    return found


@pytest.mark.usefixtures("loaded")
def test_an_offering_carries_the_batch_price_in_whole_nanodollars() -> None:
    price = only("gpt-5.4-mini", mode="batch").price

    assert (price.input, price.cached_input, price.output) == (
        375_000_000,
        37_500_000,
        2_250_000_000,
    )


@pytest.mark.usefixtures("loaded")
def test_an_offering_carries_its_tiers() -> None:
    assert only("gpt-5.4", mode="batch").price.tiers == (
        PriceTier(272_000, 2_500_000_000, 250_000_000, 11_250_000_000),
    )


@pytest.mark.usefixtures("loaded")
def test_an_offering_carries_the_facts_of_the_product_page() -> None:
    found = only("gpt-5.4-mini", mode="batch")

    assert found.public_id.startswith("off_")
    assert (found.provider, found.provider_name) == ("openai", "OpenAI")
    assert (found.adapter, found.provider_model) == ("openai", "gpt-5.4-mini")
    assert (found.reliability_prior, found.quality) == (0.985, 0.92)
    assert (found.token_factor_bps, found.message_overhead_tokens) == (10_000, 16)
    assert found.operations == ("responses", "vision")
    assert found.regions == ("global",)
    assert found.privacy_tiers == ("standard", "confidential")
    assert found.is_enabled
    assert not found.is_sanctioned


@pytest.mark.usefixtures("loaded")
def test_a_model_overrides_the_token_factor_of_its_provider() -> None:
    assert only("claude-haiku-4-5", mode="batch").token_factor_bps == 12_500
    assert only("claude-haiku-5-5", mode="batch").token_factor_bps == 16_000


@pytest.mark.usefixtures("loaded")
def test_a_provider_speaks_through_its_own_adapter_in_both_modes() -> None:
    for mode in ("direct", "batch"):
        assert only("openai/gpt-oss-20b", provider="groq", mode=mode).adapter == "groq"


@pytest.mark.usefixtures("loaded")
def test_offerings_come_in_the_order_of_the_slugs() -> None:
    found = selectors.offerings_for_models(
        ["openai/gpt-oss-120b", "gpt-5.4-mini", "openai/gpt-oss-120b"], now=NOON
    )

    assert [(row.model, row.provider, row.mode) for row in found] == [
        ("openai/gpt-oss-120b", "groq", "batch"),
        ("openai/gpt-oss-120b", "groq", "direct"),
        ("openai/gpt-oss-120b", "together", "direct"),
        ("gpt-5.4-mini", "openai", "batch"),
        ("gpt-5.4-mini", "openai", "direct"),
    ]


@pytest.mark.usefixtures("loaded")
def test_the_first_reading_takes_two_queries_and_the_next_one(
    django_assert_num_queries: QueryCount,
) -> None:
    Offering.objects.filter(mode="batch").update(latency_ms=1)
    with django_assert_num_queries(2):
        selectors.offerings_for_models(["gpt-5.4"], now=NOON)
    with django_assert_num_queries(1):
        selectors.offerings_for_models(["gpt-5.4-mini"], now=NOON)


@pytest.mark.usefixtures("loaded")
def test_a_switch_is_seen_at_once() -> None:
    assert only("gpt-5.4-mini", mode="direct").is_enabled

    Provider.objects.filter(key="openai").update(enabled=False)

    assert not only("gpt-5.4-mini", mode="direct").is_enabled


@pytest.mark.django_db
def test_an_offering_without_vision_does_not_do_vision() -> None:
    offering = OfferingFactory.create(supports_vision=False)
    OfferingPriceFactory.create(offering=offering)

    assert only(offering.model.slug).operations == ("responses",)


@pytest.mark.django_db
def test_an_offering_without_a_price_is_left_out() -> None:
    offering = OfferingFactory.create()

    assert selectors.offerings_for_models([offering.model.slug], now=NOON) == []


@pytest.mark.django_db
def test_the_price_is_that_of_the_instant() -> None:
    first = OfferingPriceFactory.create()
    OfferingPriceFactory.create(offering=first.offering, valid_from=NOON, input=1)
    slug = first.offering.model.slug

    before = selectors.offerings_for_models([slug], now=NOON - timedelta(seconds=1))
    after = selectors.offerings_for_models([slug], now=NOON)

    assert [row.price.input for row in before + after] == [750_000_000, 1]


@pytest.mark.django_db
def test_offerings_are_found_by_id() -> None:
    price = OfferingPriceFactory.create()

    found = selectors.offering_by_id([price.offering_id, 0], now=NOON)

    assert list(found) == [price.offering_id]
    assert found[price.offering_id].price.price_id == price.pk


@pytest.mark.django_db
def test_price_in_force_refuses_an_instant_before_the_first_price() -> None:
    price = OfferingPriceFactory.create()

    with pytest.raises(selectors.NoPriceInForce):
        selectors.price_in_force(price.offering_id, LONG_AGO - timedelta(seconds=1))


@pytest.mark.django_db
def test_prices_are_found_by_the_ids_of_a_receipt() -> None:
    first = OfferingPriceFactory.create()
    OfferingPriceFactory.create(offering=first.offering, valid_from=NOON, input=1)

    assert selectors.prices_by_id([first.pk])[first.pk].input == 750_000_000


@pytest.mark.usefixtures("loaded")
def test_known_slugs_include_a_retired_model() -> None:
    slugs = selectors.known_model_slugs()

    assert {"gpt-5.4-mini", "meta-llama/Llama-3.3-70B-Instruct-Turbo"} <= slugs


@pytest.mark.django_db
def test_a_new_model_is_known_at_once() -> None:
    before = selectors.known_model_slugs()

    model = ModelProfileFactory.create()

    assert selectors.known_model_slugs() - before == {model.slug}


@pytest.mark.usefixtures("loaded")
def test_a_model_tells_its_default_cap() -> None:
    facts = selectors.model_profile("gpt-5.4-mini")

    assert facts.default_max_output_tokens == 1024


@pytest.mark.django_db
def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(selectors.UnknownModel):
        selectors.model_profile("gpt-0")


@pytest.mark.usefixtures("loaded")
def test_a_retired_offering_tells_its_date() -> None:
    found = only("meta-llama/Llama-3.3-70B-Instruct-Turbo")

    assert found.deprecates_at == datetime(2026, 10, 22, tzinfo=UTC)


@pytest.mark.usefixtures("loaded")
def test_a_workflow_is_its_highest_enabled_version() -> None:
    row = WorkflowProduct.objects.get(slug="summarize-calls")
    row.pk, row.version, row.workflow_fee_bps = None, 2, 1000
    row.save(force_insert=True)

    assert selectors.workflow("summarize-calls").version == 2
    assert selectors.workflow("summarize-calls@v1").workflow_fee_bps == 1180

    row.enabled = False
    row.save()
    assert selectors.workflow("summarize-calls").version == 1


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(
    "slug", ["no-such-job", "summarize-calls@v9", "summarize-calls@vx"]
)
def test_an_unknown_workflow_is_refused(slug: str) -> None:
    with pytest.raises(selectors.UnknownWorkflow):
        selectors.workflow(slug)


@pytest.mark.django_db
def test_an_empty_catalog_is_read_without_a_revision() -> None:
    assert selectors.offerings_for_models(["gpt-5.4"], now=NOON) == []
    assert selectors.known_model_slugs() == frozenset()


@pytest.mark.django_db
def test_a_sanctioned_provider_is_told() -> None:
    provider = ProviderFactory.create(is_sanctioned=True)
    price = OfferingPriceFactory.create(offering__provider=provider)

    assert only(price.offering.model.slug).is_sanctioned
