"""Refusals and validators that all pages of the catalog share."""

import pytest
from django.test import Client

from catalog.models import Offering
from tests.factories.catalog import OfferingPriceFactory

pytestmark = pytest.mark.django_db

MODELS = "/v1/catalog/models"
PROVIDERS = "/v1/catalog/providers"
PRODUCTS = "/v1/catalog/workflow-products"
RANKINGS = "/v1/catalog/rankings"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (MODELS, "operation"),
        (MODELS, "provider"),
        (MODELS, "region"),
        (MODELS, "privacy_tier"),
        (MODELS, "limit"),
        (RANKINGS, "window"),
        (RANKINGS, "kind"),
        (RANKINGS, "provider"),
        (RANKINGS, "operation"),
    ],
)
def test_an_unknown_filter_value_names_the_field(
    client: Client, path: str, name: str
) -> None:
    response = client.get(path, {name: "nonsense"})

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalid_request"
    assert response.json()["error"]["param"] == name


@pytest.mark.parametrize(
    "path", [MODELS, f"{MODELS}/gpt-5.4", PROVIDERS, PRODUCTS, "/v1/route-policies"]
)
def test_an_unknown_parameter_is_refused_by_name(client: Client, path: str) -> None:
    response = client.get(path, {"colour": "blue"})

    assert response.status_code == 400
    assert response.json()["error"]["param"] == "colour"


@pytest.mark.parametrize(
    "path", [f"{MODELS}/no/such", f"{PROVIDERS}/nobody", f"{PRODUCTS}/nothing"]
)
def test_an_unknown_slug_is_a_404_in_the_error_shape(client: Client, path: str) -> None:
    response = client.get(path)

    assert response.status_code == 404
    assert response.json()["error"]["type"] == "not_found_error"


@pytest.mark.parametrize("path", [MODELS, PROVIDERS, RANKINGS, "/v1/route-policies"])
def test_a_list_that_did_not_change_is_a_304(client: Client, path: str) -> None:
    assert_not_modified(client, path)


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(
    "path",
    [
        MODELS,
        f"{MODELS}/gpt-5.4",
        f"{PROVIDERS}/openai",
        PRODUCTS,
        f"{PRODUCTS}/summarize-calls",
    ],
)
def test_a_page_that_did_not_change_is_a_304(client: Client, path: str) -> None:
    assert_not_modified(client, path)


def assert_not_modified(client: Client, path: str) -> None:
    first = client.get(path)
    again = client.get(path, headers={"If-None-Match": first["ETag"]})

    assert first["Cache-Control"] == "public, max-age=60"
    assert (again.status_code, again.content) == (304, b"")
    assert again["ETag"] == first["ETag"]
    assert again["Cache-Control"] == "public, max-age=60"


def test_a_weak_validator_among_others_matches(client: Client) -> None:
    tag = client.get(PROVIDERS)["ETag"]

    again = client.get(PROVIDERS, headers={"If-None-Match": f'"other", W/{tag}'})

    assert again.status_code == 304


def test_a_change_makes_another_validator(client: Client) -> None:
    offering = OfferingPriceFactory.create().offering
    path = f"{MODELS}/{offering.model.slug}"
    tag = client.get(path)["ETag"]
    Offering.objects.filter(pk=offering.pk).update(enabled=False)

    again = client.get(path, headers={"If-None-Match": tag})

    assert again.status_code == 200
    assert again["ETag"] != tag


def test_nothing_may_be_written(client: Client) -> None:
    assert client.post(MODELS).status_code == 405
