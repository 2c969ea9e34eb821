"""POST /v1/batches/{id}/retry: a quote for what is unfinished, or the batch itself."""

from typing import Any

import pytest

from batches.models import Batch
from tests.batches.api.test_access import with_scopes
from tests.batches.conftest import Customer
from tests.batches.services.test_retrying import canceled
from tests.support.api_client import error_of


def path_of(batch: Batch) -> str:
    return f"/v1/batches/{batch.public_id}/retry"


def test_answers_with_a_quote_that_can_be_submitted(owner: Customer) -> None:
    parent = canceled(owner)

    quote = owner.api.post(path_of(parent), {"only": "all_unfinished"})
    made = owner.api.post("/v1/batches", {"quote_id": quote.json()["quote_id"]})

    assert (quote.status_code, made.status_code) == (200, 202)
    assert quote.json()["item_count"] == 4
    assert quote.json()["input_file_id"] == parent.manifest.file.public_id
    assert made.json()["parent_batch_id"] == parent.public_id


def test_runs_at_once_when_asked_to_and_once_per_key(owner: Customer) -> None:
    parent = canceled(owner)

    first = owner.api.post(path_of(parent), {"submit": True}, idempotency_key="again-1")
    second = owner.api.post(
        path_of(parent), {"submit": True}, idempotency_key="again-1"
    )

    assert (first.status_code, second.status_code) == (202, 202)
    assert second.json()["id"] == first.json()["id"]
    assert second.headers["Idempotent-Replayed"] == "true"
    shown = owner.api.get(f"/v1/batches/{parent.public_id}").json()
    assert shown["retries"] == [
        {"batch_id": first.json()["id"], "state": "priced", "item_count": 4}
    ]


def test_tells_the_parents_timeline(owner: Customer) -> None:
    parent = canceled(owner)
    child = owner.api.post(path_of(parent), {"submit": True}).json()

    events = owner.api.get(f"/v1/batches/{parent.public_id}/events").json()["data"]

    assert events[0]["type"] == "retry.submitted"
    assert events[0]["data"] == {"batch_id": child["id"], "items": 4}


def test_is_not_complete_while_a_retry_runs(owner: Customer) -> None:
    parent = canceled(owner)
    results = f"/v1/batches/{parent.public_id}/results"
    assert owner.api.get(results).json()["complete"] is True

    owner.api.post(path_of(parent), {"submit": True})

    page = owner.api.get(results).json()
    assert page["complete"] is False
    assert page["data"][0]["attempt"] == {"batch_id": parent.public_id, "number": 1}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"only": "completed"}, "only"),
        ({"only": None}, "only"),
        ({"error_codes": []}, "error_codes"),
        ({"error_codes": "timed_out"}, "error_codes"),
        ({"error_codes": ["x" * 41]}, "error_codes"),
        ({"customer_item_ids": [1]}, "customer_item_ids"),
        ({"customer_item_ids": ["a\u200b"]}, "customer_item_ids"),
        ({"customer_item_ids": ["a"] * 5_001}, "customer_item_ids"),
        ({"submit": "yes"}, "submit"),
        ({"rows": "all"}, "rows"),
    ],
)
def test_refuses_a_body_by_the_name_of_its_field(
    owner: Customer, body: dict[str, Any], param: str
) -> None:
    parent = canceled(owner)

    response = owner.api.post(path_of(parent), body)

    assert response.status_code == 400
    assert response.json()["error"]["param"] == param
    assert not parent.retries.exists()


def test_submitting_needs_that_scope_too(owner: Customer) -> None:
    parent = canceled(owner)
    quoting = with_scopes(owner, "quote")

    assert quoting.post(path_of(parent), {}).status_code == 200
    refused = quoting.post(path_of(parent), {"submit": True})

    assert error_of(refused) == (403, "scope_required")
    assert not parent.retries.exists()


def test_a_strangers_batch_is_not_found(owner: Customer, stranger: Customer) -> None:
    parent = canceled(owner)

    assert error_of(stranger.api.post(path_of(parent), {})) == (404, "not_found")
