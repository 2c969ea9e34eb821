"""Who may do what: scopes, sessions, test keys."""

from typing import Any

import orjson
import pytest
from django.test import Client

from accounts.models import Role
from batches.models import Batch
from catalog.models import ProviderHour, SettledDemand
from tests.batches.conftest import Customer, make_customer
from tests.factories.accounts import MembershipFactory, make_key
from tests.factories.batches import make_batch, make_items, run_batch
from tests.support.api_client import ApiClient, error_of

BODY = {"items": make_items(1)}
CSRF_TOKEN = "a" * 32


def with_scopes(customer: Customer, *scopes: str) -> ApiClient:
    return ApiClient(make_key(customer.org, scopes=list(scopes)).secret)


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("quote", "post", "/v1/batches/quote"),
        ("submit", "post", "/v1/batches"),
        ("read", "get", "/v1/batches"),
        ("read", "get", "/v1/batches/{batch}"),
        ("read", "get", "/v1/batches/{batch}/events"),
        ("read", "get", "/v1/batches/{batch}/results"),
        ("read", "get", "/v1/quotes/{quote}"),
        ("read", "get", "/v1/files"),
        ("read", "get", "/v1/files/{file}"),
        ("read", "get", "/v1/batches/optimization-report"),
        ("cancel", "post", "/v1/batches/{batch}/cancel"),
        ("submit", "delete", "/v1/files/{file}"),
    ],
)
def test_each_call_needs_its_scope_and_no_other(
    owner: Customer, scope: str, method: str, path: str
) -> None:
    batch = make_batch(owner.org)
    path = path.format(
        batch=batch.public_id,
        quote=batch.quote.public_id,
        file=batch.manifest.file.public_id,
    )
    others = {"quote", "submit", "read", "cancel", "billing", "admin"} - {scope}

    def call(api: ApiClient) -> Any:
        if method == "post":
            return api.post(path, BODY)
        return api.get(path) if method == "get" else api.delete(path)

    refused = call(with_scopes(owner, *others))
    admitted = call(with_scopes(owner, scope))

    assert error_of(refused) == (403, "scope_required")
    assert refused.json()["error"]["details"] == {"scope": scope}
    assert admitted.status_code in {200, 202, 409}


@pytest.mark.parametrize("path", ["/v1/batches", "/v1/files", "/v1/quotes/qlock_1"])
def test_nobody_is_admitted_without_a_name(owner: Customer, path: str) -> None:
    assert error_of(ApiClient().get(path)) == (401, "unauthenticated")


def test_a_key_in_the_address_is_refused(owner: Customer) -> None:
    secret = make_key(owner.org).secret

    response = ApiClient().get(f"/v1/batches?api_key={secret}")

    assert error_of(response) == (400, "credential_in_url")


def browser(customer: Customer, role: Role = Role.OWNER) -> Client:
    """Log somebody of the organization in, with the cookie of a form's token."""
    member = MembershipFactory.create(org=customer.org, role=role)
    client = Client(enforce_csrf_checks=True)
    client.force_login(member.user)
    client.cookies["csrftoken"] = CSRF_TOKEN
    return client


def test_a_logged_in_person_reads_by_cookie(owner: Customer) -> None:
    batch = make_batch(owner.org)

    body = browser(owner).get("/v1/batches").json()

    assert [found["id"] for found in body["data"]] == [batch.public_id]


def test_a_cookie_alone_submits_nothing(owner: Customer) -> None:
    response = browser(owner).post(
        "/v1/batches", orjson.dumps(BODY), content_type="application/json"
    )

    assert error_of(response) == (403, "forbidden")
    assert not Batch.objects.exists()


def test_a_cookie_with_the_token_submits(owner: Customer) -> None:
    response = browser(owner).post(
        "/v1/batches",
        orjson.dumps(BODY),
        content_type="application/json",
        headers={"X-CSRFToken": CSRF_TOKEN},
    )

    assert response.status_code == 202, response.content
    assert Batch.objects.get().api_key is None


def test_a_viewer_submits_nothing(owner: Customer) -> None:
    response = browser(owner, Role.VIEWER).post(
        "/v1/batches",
        orjson.dumps(BODY),
        content_type="application/json",
        headers={"X-CSRFToken": CSRF_TOKEN},
    )

    assert error_of(response) == (403, "scope_required")


def test_a_key_outranks_the_cookie(owner: Customer, stranger: Customer) -> None:
    make_batch(owner.org)
    secret = make_key(stranger.org).secret

    body = browser(owner).get(
        "/v1/batches", headers={"Authorization": f"Bearer {secret}"}
    )

    assert body.json()["data"] == []


def test_a_batch_remembers_its_key(owner: Customer) -> None:
    owner.api.post("/v1/batches", BODY)

    assert Batch.objects.get().api_key == owner.key


def test_a_test_key_gets_sandbox_lanes_even_where_there_is_a_live_one(
    market: None, settings: Any
) -> None:
    settings.PROVIDER_API_KEYS = {"openai": "sk-live"}
    tester, live = make_customer(is_test=True), make_customer()

    tested = tester.api.post("/v1/batches/quote", BODY).json()
    lived = live.api.post("/v1/batches/quote", BODY).json()

    assert {lane["sandbox"] for lane in tested["lanes"]} == {True}
    assert {lane["sandbox"] for lane in lived["lanes"]} == {False}


@pytest.mark.usefixtures("simulator")
def test_a_batch_of_a_test_key_counts_nowhere(owner: Customer) -> None:
    items = make_items(2, model="deepseek-flash")

    run_batch(make_batch(owner.org, items, is_test=True))

    assert not SettledDemand.objects.exists()
    assert not ProviderHour.objects.exists()
