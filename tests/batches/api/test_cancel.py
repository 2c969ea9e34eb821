"""POST /v1/batches/{id}/cancel."""

from typing import Any

import pytest

from batches.models import Batch
from batches.services.dispatch import dispatch_batch
from batches.services.finalizing import finalize_batch
from batchrouter.kit import clock
from billing.models import Reservation
from billing.selectors import balance
from tests.batches.conftest import Customer
from tests.factories.batches import (
    book_problems,
    make_batch,
    make_items,
    run_batch,
)
from tests.support.api_client import error_of


def cancel(customer: Customer, batch: Batch) -> Any:
    return customer.api.post(f"/v1/batches/{batch.public_id}/cancel")


def ended(batch: Batch) -> Batch:
    finalize_batch(batch.pk, now=clock.now())
    return Batch.objects.get(pk=batch.pk)


def test_a_cancel_before_dispatch_gives_everything_back(owner: Customer) -> None:
    before = balance(owner.org).available_nanousd
    batch = make_batch(owner.org, make_items(3))

    response = cancel(owner, batch)

    assert response.status_code == 202
    assert response.json()["cancel_requested_at"] is not None
    done = ended(batch)
    assert (done.state, done.terminal_reason) == ("canceled", "customer_cancel")
    assert done.charged_nanousd == 0
    assert balance(owner.org).available_nanousd == before
    assert Reservation.objects.get().state == "closed"
    assert book_problems() == []


def test_every_item_of_a_canceled_batch_is_canceled(owner: Customer) -> None:
    batch = make_batch(owner.org, make_items(3))

    counts = cancel(owner, batch).json()["counts"]

    assert (counts["canceled"], counts["pending"], counts["total"]) == (3, 0, 3)


def test_a_cancel_of_a_queued_batch_ends_its_units(owner: Customer) -> None:
    batch = make_batch(owner.org, make_items(3))
    dispatch_batch(batch.pk, now=clock.now())

    cancel(owner, batch)

    assert ended(batch).state == "canceled"
    assert book_problems() == []


def test_the_lines_of_canceled_items_can_be_sent_again(owner: Customer) -> None:
    batch = make_batch(owner.org, make_items(2))
    cancel(owner, batch)
    done = ended(batch)

    assert done.retry_file is not None
    reply = owner.api.get(f"/v1/files/{done.retry_file.public_id}/content")
    lines = b"".join(reply.streaming_content)
    upload = owner.api.send("/v1/batches/input-manifests", lines)
    assert upload.status_code == 201
    assert upload.json()["item_count"] == 2


def test_asking_twice_is_the_same(owner: Customer) -> None:
    batch = make_batch(owner.org)
    first = cancel(owner, batch).json()

    second = cancel(owner, batch)

    assert second.status_code == 202
    assert second.json()["cancel_requested_at"] == first["cancel_requested_at"]
    events = owner.api.get(f"/v1/batches/{batch.public_id}/events").json()["data"]
    asked = [event for event in events if event["type"] == "batch.cancel_requested"]
    assert len(asked) == 1


@pytest.mark.usefixtures("simulator")
def test_a_finished_batch_cannot_be_canceled(owner: Customer) -> None:
    batch = run_batch(make_batch(owner.org, make_items(1, model="deepseek-flash")))

    response = cancel(owner, batch)

    assert error_of(response) == (409, "batch_finished")
    assert Batch.objects.get(pk=batch.pk).cancel_requested_at is None


def test_a_strangers_batch_cannot_be_canceled(
    owner: Customer, stranger: Customer
) -> None:
    batch = make_batch(owner.org)

    assert error_of(cancel(stranger, batch)) == (404, "not_found")
    assert Batch.objects.get(pk=batch.pk).cancel_requested_at is None
