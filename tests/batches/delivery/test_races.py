"""What ends, begins and is taken back at the same instant."""

from datetime import timedelta
from random import Random

import pytest
from django.db import transaction

from batches.delivery import claims, disabling
from batches.delivery.recording import Ended, write_down
from batches.delivery.verdicts import Outcome, Verdict
from batches.models import DisabledReason, EventType, WebhookDelivery, WebhookEndpoint
from batches.services.delivery import sweep_deliveries
from batches.services.delivery_events import announce_credits
from batches.states import DeliveryState
from batchrouter.kit import clock
from tests.batches.delivery.conftest import Heard
from tests.support.meanwhile import meanwhile

pytestmark = pytest.mark.usefixtures("committed_db")


@transaction.atomic
def disable() -> None:
    endpoint = WebhookEndpoint.objects.select_for_update().get()
    disabling.disable(endpoint, DisabledReason.GONE, now=clock.now())


def test_an_event_beside_the_disabling_of_its_endpoint_does_not_wait_for_ever(
    heard: Heard,
) -> None:
    with meanwhile(disable, after='FROM "batches_webhookendpoint"') as other:
        announce_credits(
            heard.org, EventType.CREDITS_POSTED, {"amount": "1"}, now=clock.now()
        )
    assert other.error is None
    sweep_deliveries(now=clock.now())
    (told,) = WebhookDelivery.objects.all()
    assert (told.state, told.error) == (DeliveryState.FAILED, "endpoint_disabled")


def test_a_late_end_and_the_taking_back_of_its_try_do_not_wait_in_a_circle(
    heard: Heard,
) -> None:
    for number in range(3):
        heard.emit(number)
    held = claims.claim(limit=3, lease_seconds=30, now=clock.now())
    WebhookDelivery.objects.update(lease_until=clock.now() - timedelta(seconds=1))
    ends = [Ended(one, Verdict(Outcome.TIMED_OUT)) for one in reversed(held)]
    with meanwhile(
        lambda: claims.take_back_lost(now=clock.now()), after="UPDATE batches_webhook"
    ) as other:
        write_down(ends, now=clock.now(), chance=Random(1))
    assert other.error is None
    told = WebhookDelivery.objects.values_list("state", "tries")
    assert set(told) == {(DeliveryState.PENDING, 1)}
