"""Operators are led to the switches, and add prices without changing one."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from batchrouter.kit import clock
from catalog.models import Offering, OfferingPrice, SettledDemand
from tests.factories.catalog import OfferingPriceFactory, ProviderFactory
from tests.support.operators import operator_client

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> Client:
    return operator_client()


def new_price(offering: Offering, *, valid_from: str) -> dict[str, str]:
    day, _, time = valid_from.partition("T")
    return {
        "offering": str(offering.pk),
        "valid_from_0": day,
        "valid_from_1": time,
        "input": "5",
        "cached_input": "4",
        "output": "6",
        "tiers": "[]",
        "source": "https://provider.example/prices",
        "as_of": "2026-11-22",
        "price_basis": "listed",
    }


def test_an_offering_is_not_switched_by_the_form_of_its_facts(
    operator: Client,
) -> None:
    offering = OfferingPriceFactory.create().offering
    path = f"/admin/catalog/offering/{offering.pk}/change/"

    assert operator.post(path, {"adapter": "elsewhere"}).status_code == 403

    offering.refresh_from_db()
    assert (offering.enabled, offering.adapter) == (True, "openai")
    page = operator.get(path).content.decode()
    assert f'href="/admin/lanes/{offering.pk}/"' in page


def test_a_provider_is_not_switched_by_the_form_of_its_facts(operator: Client) -> None:
    provider = ProviderFactory.create()
    path = f"/admin/catalog/provider/{provider.pk}/change/"

    assert operator.post(path, {"is_sanctioned": "on"}).status_code == 403

    provider.refresh_from_db()
    assert (provider.enabled, provider.is_sanctioned) == (True, False)
    page = operator.get(path).content.decode()
    assert f'href="/admin/providers/{provider.pk}/"' in page


def test_a_price_is_added(operator: Client) -> None:
    offering = OfferingPriceFactory.create().offering
    at = (clock.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S")

    response = operator.post(
        "/admin/catalog/offeringprice/add/", new_price(offering, valid_from=at)
    )

    assert response.status_code == 302
    assert OfferingPrice.objects.order_by("pk").last().input == 5  # type: ignore[union-attr] # just added


def test_a_price_cannot_be_added_for_the_past(operator: Client) -> None:
    offering = OfferingPriceFactory.create().offering

    response = operator.post(
        "/admin/catalog/offeringprice/add/",
        new_price(offering, valid_from="2026-01-02T00:00:00"),
    )

    assert b"not before" in response.content
    assert OfferingPrice.objects.count() == 1


def test_a_price_cannot_be_changed(operator: Client) -> None:
    price = OfferingPriceFactory.create()

    response = operator.post(
        f"/admin/catalog/offeringprice/{price.pk}/change/", {"input": "1"}
    )

    price.refresh_from_db()
    assert response.status_code == 403
    assert price.input == 750_000_000


def test_demand_of_any_provider_is_a_choice_with_a_name(operator: Client) -> None:
    for provider in ("", "acme"):
        SettledDemand.objects.create(
            day=clock.now().date(), kind="model", slug="swift", provider=provider
        )

    body = operator.get("/admin/catalog/settleddemand/").content.decode()

    assert re.findall(r'"\?provider=\w*"[^>]*>\s*(\w+)', body) == ["any", "acme"]


@pytest.mark.parametrize(
    "kind",
    [
        "provider",
        "modelprofile",
        "offering",
        "offeringprice",
        "workflowproduct",
        "settleddemand",
    ],
)
def test_every_list_opens(operator: Client, kind: str) -> None:
    OfferingPriceFactory.create()

    assert operator.get(f"/admin/catalog/{kind}/").status_code == 200
