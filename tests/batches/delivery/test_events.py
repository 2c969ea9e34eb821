"""What is told, to whom, and in which transaction."""

from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.db import transaction
from standardwebhooks import Webhook

from batches.models import (
    Batch,
    BatchEvent,
    EventType,
    Quote,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from batches.services.cancellation import cancel_batch
from batches.services.delivery import rotate_secret, set_default
from batches.services.delivery_events import announce_progress
from batches.services.dispatch import dispatch_batch
from batches.services.finalizing import finalize_batch
from batches.states import BatchState
from batchrouter.kit import clock
from batchrouter.kit.money import NANO_PER_USD
from billing.balance_watch import set_threshold
from billing.grants import grant_credits
from tests.batches.conftest import Customer, make_customer
from tests.batches.delivery.conftest import SECRET, send
from tests.factories.batches import make_batch, make_items, run_batch
from tests.support.receiver import Receiver
from tests.support.simulator import SimulatorProcess

HOOK = "https://hooks.example.com/b"
OWN = "https://hooks.example.com/own"
OWN_SECRET = "an-own-secret-of-this-batch"


def bodies() -> list[dict[str, Any]]:
    rows = WebhookEvent.objects.order_by("id").values_list("body", flat=True)
    return [orjson.loads(body) for body in rows]


@pytest.fixture
def told(owner: Customer) -> Customer:
    """An owner with a default webhook."""
    set_default(owner.org, url=HOOK, secret=SECRET, now=clock.now())
    return owner


def test_a_submit_is_told_to_the_organizations_webhook(told: Customer) -> None:
    batch = make_batch(told.org, make_items(3))

    [body] = bodies()
    assert body["type"] == "batch.submitted"
    assert body["id"] == WebhookEvent.objects.get().public_id
    assert body["created"] == clock.iso(batch.created_at)
    assert body["data"]["batch_id"] == batch.public_id
    assert body["data"]["sequence"] == 1
    assert body["data"]["state"] == "priced"
    assert body["data"]["counts"]["pending"] == 3
    assert body["data"]["charge"] is None
    assert body["data"]["output_file_id"] is None


def test_a_batchs_own_webhook_wins(told: Customer) -> None:
    delivery = {"webhook_url": OWN, "secret": OWN_SECRET}
    make_batch(told.org, make_items(1), delivery=delivery)

    assert WebhookDelivery.objects.get().endpoint.url == OWN


def test_with_nobody_to_tell_nothing_is_written(owner: Customer) -> None:
    make_batch(owner.org, make_items(1))

    assert not WebhookEvent.objects.exists()


def test_a_change_that_is_rolled_back_tells_nobody(told: Customer) -> None:
    with transaction.atomic():
        make_batch(told.org, make_items(1))
        assert WebhookDelivery.objects.count() == 1
        transaction.set_rollback(True)

    assert not WebhookEvent.objects.exists()
    assert not WebhookDelivery.objects.exists()


def test_the_secret_of_a_manifest_is_nowhere_in_clear(owner: Customer) -> None:
    delivery = {"webhook_url": OWN, "secret": OWN_SECRET}
    batch = make_batch(owner.org, make_items(1), delivery=delivery)

    for quote in Quote.objects.all():
        assert OWN_SECRET not in orjson.dumps([quote.spec, quote.reply]).decode()
        assert quote.spec["webhook_secret"]
    assert OWN_SECRET not in Batch.objects.get(pk=batch.pk).webhook_secret


def test_a_webhook_without_a_secret_is_signed_by_the_organizations(
    owner: Customer, receiver: Receiver
) -> None:
    make_batch(owner.org, make_items(1), delivery={"webhook_url": f"{receiver.url}/b"})
    secret = rotate_secret(owner.org, secret=None, now=clock.now())

    send()

    [got] = receiver.got
    assert Webhook(secret).verify(got.body, got.headers)


def test_a_whole_batch_is_told_from_submit_to_end(
    owner: Customer, simulator: SimulatorProcess, receiver: Receiver
) -> None:
    set_default(owner.org, url=receiver.url, secret=SECRET, now=clock.now())
    batch = run_batch(make_batch(owner.org, make_items(2)))

    send()

    submitted, completed = sorted(
        (got.json for got in receiver.got), key=lambda body: body["data"]["sequence"]
    )
    for got in receiver.got:
        Webhook(SECRET).verify(got.body, got.headers)
    assert submitted["type"] == "batch.submitted"
    assert completed["type"] == "batch.completed"
    data = completed["data"]
    assert data["state"] == batch.state == BatchState.COMPLETED
    assert data["counts"]["completed"] == 2
    assert data["charge"]["currency"] == "usd"
    assert batch.output_file is not None
    assert data["output_file_id"] == batch.output_file.public_id
    assert data["output_file_url"].endswith(
        f"/v1/files/{batch.output_file.public_id}/content"
    )


def test_no_event_holds_a_prompt_an_output_or_a_link_that_opens_by_itself(
    told: Customer, simulator: SimulatorProcess
) -> None:
    items = make_items(1)
    items[0]["input"]["input"] = "CANARY-PROMPT say hello"
    batch = make_batch(told.org, items, metadata={"team": "CANARY-METADATA"})
    run_batch(batch)

    text = "".join(WebhookEvent.objects.values_list("body", flat=True))
    assert "CANARY" not in text
    assert "signature" not in text
    assert "item-0" not in text


def test_a_batch_that_is_stopped_is_told_as_canceled(told: Customer) -> None:
    batch = make_batch(told.org, make_items(1))
    cancel_batch(batch, now=clock.now())
    finalize_batch(batch.pk, now=clock.now())

    assert [body["type"] for body in bodies()] == ["batch.submitted", "batch.canceled"]
    assert bodies()[1]["data"]["terminal_reason"] == "customer_cancel"


def progressed(batch: Batch, done: int) -> None:
    """Let a batch run, with this many items done."""
    batch.units.update(completed=done)
    Batch.objects.filter(pk=batch.pk).update(state=BatchState.RUNNING)


def test_progress_is_told_thirty_seconds_apart_at_most(told: Customer) -> None:
    batch = make_batch(told.org, make_items(10))
    dispatch_batch(batch.pk, now=clock.now())
    now = clock.now()

    progressed(batch, 0)
    announce_progress(now=now)
    assert len(bodies()) == 1  # nothing is done yet

    progressed(batch, 4)
    announce_progress(now=now)
    progressed(batch, 6)
    announce_progress(now=now + timedelta(seconds=29))
    announce_progress(now=now + timedelta(seconds=30))
    announce_progress(now=now + timedelta(seconds=90))  # no further since

    told_of = [
        (body["data"]["sequence"], body["data"]["counts"]["completed"])
        for body in bodies()
        if body["type"] == "batch.progress"
    ]
    assert told_of == [(2, 4), (3, 6)]


def test_progress_of_a_batch_that_nobody_hears_of_is_not_written(
    owner: Customer,
) -> None:
    batch = make_batch(owner.org, make_items(10))
    dispatch_batch(batch.pk, now=clock.now())
    progressed(batch, 4)

    announce_progress(now=clock.now())

    assert bodies() == []


def test_credits_that_come_in_are_told(told: Customer) -> None:
    grant_credits(
        org=told.org,
        amount_nanousd=25 * NANO_PER_USD,
        reason="a gift",
        actor="operator:ada",
        key="gift",
    )

    [body] = bodies()
    assert body["type"] == "credits.posted"
    assert body["data"]["amount"] == {"amount": "25.00", "currency": "usd"}
    assert body["data"]["available"] == {"amount": "75.00", "currency": "usd"}
    assert body["data"]["source"] == "grant"


def test_low_credits_are_told_once(market: None) -> None:
    customer = make_customer(usd=50)
    set_default(customer.org, url=HOOK, secret=None, now=clock.now())
    set_threshold(customer.org, 50 * NANO_PER_USD)

    make_batch(customer.org, make_items(1))
    make_batch(customer.org, make_items(1))

    lows = [body for body in bodies() if body["type"] == "credits.low"]
    [low] = lows
    assert low["data"]["threshold"] == {"amount": "50.00", "currency": "usd"}


def test_a_disabled_webhook_is_told_nothing(told: Customer) -> None:
    WebhookEndpoint.objects.update(disabled_at=clock.now())

    make_batch(told.org, make_items(1))

    assert not WebhookEvent.objects.exists()


def test_naming_a_disabled_address_in_a_batch_enables_it(owner: Customer) -> None:
    make_batch(owner.org, make_items(1), delivery={"webhook_url": OWN})
    WebhookEndpoint.objects.update(disabled_at=clock.now(), failures=7)

    make_batch(owner.org, make_items(1), delivery={"webhook_url": OWN})

    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.disabled_at, endpoint.failures) == (None, 0)
    assert WebhookDelivery.objects.count() == 2


def test_the_end_of_a_delivery_stands_on_the_batchs_timeline(
    owner: Customer, receiver: Receiver
) -> None:
    set_default(owner.org, url=receiver.url, secret=SECRET, now=clock.now())
    batch = make_batch(owner.org, make_items(1))

    send()

    line = BatchEvent.objects.get(batch=batch, kind="webhook.delivered")
    assert line.data == {
        "delivery_id": WebhookDelivery.objects.get().public_id,
        "event": EventType.BATCH_SUBMITTED,
        "attempts": 1,
        "outcome": "delivered",
    }
