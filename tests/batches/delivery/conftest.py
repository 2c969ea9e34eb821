"""What the tests of webhooks share: a receiver, and an organization that names it."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from accounts.models import Org
from batches.delivery.sender import DeliverySender
from batches.models import EventType, WebhookDelivery
from batches.services.delivery import set_default
from batches.services.delivery_events import emit
from batchrouter.kit import clock
from tests.factories.accounts import OrgFactory
from tests.support.receiver import Receiver

SECRET = "whsec_" + "c2VjcmV0" * 5 + "cw=="


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@dataclass(frozen=True)
class Heard:
    """An organization whose default webhook is a receiver."""

    org: Org
    receiver: Receiver

    def emit(self, number: int = 0) -> WebhookDelivery:
        return tell(self.org, self.receiver.url, number)


@pytest.fixture
def heard(db: None, receiver: Receiver) -> Heard:
    org = OrgFactory.create()
    set_default(org, url=receiver.url, secret=SECRET, now=clock.now())
    return Heard(org, receiver)


def tell(org: Org, url: str, number: int = 0) -> WebhookDelivery:
    """Write an event for an address down, as a change would."""
    endpoint = org.webhook_endpoints.get(url=url)
    data = {"number": number}
    return emit(endpoint, EventType.ENDPOINT_TEST, data, batch=None, now=clock.now())


def send() -> int:
    """Send what is due, as the worker does, and return how many tries were made."""
    return DeliverySender().run(budget_seconds=60)
