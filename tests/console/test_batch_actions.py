"""What can be done with a batch on its pages: retry, delete, send again, verify."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Org, Role
from batches.models import Batch, Quote, WebhookAttempt, WebhookDelivery
from batches.services.delivery import set_default
from batches.states import DeliveryState
from batchrouter.kit import clock
from tests.console.made import (
    browser_of,
    failed,
    finished_batch,
    running_batch,
)
from tests.console.test_batches import page_of, words

HOOK = "https://hooks.example.com/b"


@pytest.fixture
def unfinished(org: Org) -> Batch:
    """One answer, two failed items."""
    return finished_batch(org, "fine", failed(), failed("timeout"))


def retry(client: Client, batch: Batch, **sent: Any) -> Any:
    return client.post(f"/batches/{batch.public_id}/retry", sent, follow=True)


def test_a_retry_is_priced_before_it_is_submitted(
    owner: Client, unfinished: Batch
) -> None:
    reply = retry(owner, unfinished, only="failed")
    quote = Quote.objects.get(retry_of=unfinished, curve_of=None)
    assert reply.redirect_chain == [(f"/batches/new/{quote.public_id}", 302)]
    text = words(reply.content.decode())
    assert f"This runs 2 unfinished items of {unfinished.public_id} again" in text
    assert not Batch.objects.filter(parent=unfinished).exists()
    reply = owner.post(f"/batches/new/{quote.public_id}/submit", follow=True)
    child = Batch.objects.get(parent=unfinished)
    assert reply.redirect_chain == [(f"/batches/{child.public_id}", 302)]
    assert f"A retry of {unfinished.public_id}" in words(reply.content.decode())


def test_chosen_rows_alone_are_retried(owner: Client, unfinished: Batch) -> None:
    body = page_of(owner, unfinished, "/results")
    assert 'name="item" value="item-2"' in " ".join(body.split())
    assert 'value="item-0"' not in body
    retry(owner, unfinished, item=["item-2"])
    assert Quote.objects.get(retry_of=unfinished, curve_of=None).item_count == 1


@pytest.mark.parametrize(
    "sent",
    [
        {"item": ["item-0"]},
        {"item": ["nothing"]},
        {"item": ["a\0b"]},
        {"only": "expired"},
        {"only": "everything"},
    ],
)
def test_what_cannot_be_retried_is_said(
    sent: dict[str, Any], owner: Client, unfinished: Batch
) -> None:
    reply = retry(owner, unfinished, **sent)
    assert "There is no quote for a retry." in reply.content.decode()
    assert not Quote.objects.filter(retry_of=unfinished).exists()


def test_a_retry_is_offered_where_something_is_left(
    owner: Client, viewer: Client, batch: Batch, unfinished: Batch
) -> None:
    assert "Quote a retry" in page_of(owner, unfinished)
    assert "Quote a retry" not in page_of(owner, batch)
    assert "Quote a retry" not in page_of(viewer, unfinished)
    assert 'name="item"' not in page_of(viewer, unfinished, "/results")
    assert "Quote a retry of this item" in page_of(owner, unfinished, "/rows/1")


def test_content_is_deleted_on_request(owner: Client, batch: Batch) -> None:
    assert "Delete inputs and outputs" in page_of(owner, batch)
    reply = owner.post(f"/batches/{batch.public_id}/delete-content", follow=True)
    batch.refresh_from_db()
    assert batch.content_deleted_at is not None
    text = words(reply.content.decode())
    assert "The inputs and outputs are deleted" in text
    assert "Deletion receipt no. 3 verified" in text
    assert "Delete inputs and outputs" not in text


def test_the_content_of_a_running_batch_stays(owner: Client, org: Org) -> None:
    running = running_batch(org, items=2, answers=["one"])
    assert "Delete inputs and outputs" not in page_of(owner, running)
    reply = owner.post(f"/batches/{running.public_id}/delete-content", follow=True)
    assert "Nothing was deleted." in reply.content.decode()
    running.refresh_from_db()
    assert running.content_deleted_at is None


@pytest.mark.parametrize("kind", ["billing", "route"])
def test_a_receipt_is_verified_in_place(kind: str, owner: Client, batch: Batch) -> None:
    path = f"/batches/{batch.public_id}/receipts/{kind}"
    assert f'hx-get="{path}"' in page_of(owner, batch)
    body = page_of(owner, batch, f"/receipts/{kind}")
    assert f'id="receipt-{kind}"' in body
    text = words(body)
    assert "Genuine: signed here, and not changed since." in text
    assert f"Kind {kind} receipt" in text
    receipt = owner.get(f"/v1/batches/{batch.public_id}/{kind}-receipt").json()
    assert f"Signed by {receipt['key_id']}" in text


@pytest.fixture
def told(org: Org) -> Batch:
    """A settled batch that an endpoint was told of, the first time in vain."""
    set_default(org, url=HOOK, secret=None, now=clock.now())
    batch = finished_batch(org, "fine")
    for delivery in WebhookDelivery.objects.filter(batch=batch):
        WebhookAttempt.objects.create(
            delivery=delivery,
            no=1,
            started_at=clock.now(),
            ended_at=clock.now(),
            outcome="status_refused",
            status_code=503,
            duration_ms=400,
        )
    return batch


def test_every_try_to_tell_of_a_batch_is_listed(owner: Client, told: Batch) -> None:
    text = words(page_of(owner, told, "/webhooks"))
    assert "batch.completed" in text
    assert "batch.submitted" in text
    assert HOOK in text
    assert "next try" in text
    assert "It answered with a status outside 200 to 299. 503 400 ms" in text


def ended(batch: Batch) -> WebhookDelivery:
    """End a delivery of a batch in vain, and return it."""
    rows = WebhookDelivery.objects.filter(batch=batch, event__type="batch.completed")
    rows.update(state=DeliveryState.FAILED, error="status_refused")
    return rows.get()


def test_an_ended_delivery_is_sent_again(owner: Client, told: Batch) -> None:
    delivery = ended(told)
    path = f"/batches/{told.public_id}/webhooks/{delivery.public_id}/replay"
    assert f'action="{path}"' in page_of(owner, told, "/webhooks")
    reply = owner.post(path, follow=True)
    assert "The event is sent again" in reply.content.decode()
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.PENDING
    again = owner.post(path, follow=True)
    assert "It was not sent again." in again.content.decode()


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_only_owners_and_admins_send_again(role: str, org: Org, told: Batch) -> None:
    delivery = ended(told)
    client = browser_of(org, role)
    path = f"/batches/{told.public_id}/webhooks/{delivery.public_id}/replay"
    assert path not in page_of(client, told, "/webhooks")
    assert client.post(path).status_code == 403
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.FAILED


def test_a_batch_that_nobody_was_told_of_says_so(owner: Client, batch: Batch) -> None:
    assert "Nobody was told of this batch" in page_of(owner, batch, "/webhooks")


def test_the_webhooks_read_a_fixed_number_of_times(
    owner: Client, told: Batch, django_assert_max_num_queries: Any
) -> None:
    page_of(owner, told, "/webhooks")
    with django_assert_max_num_queries(12):
        page_of(owner, told, "/webhooks")
