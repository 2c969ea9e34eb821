"""The worker is killed in the middle of a call: nothing is lost, nothing changes."""

import os
import subprocess
import sys
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.db import connection

from batches.delivery.claims import take_back_lost
from batches.models import WebhookAttempt, WebhookDelivery, WebhookEvent
from batches.services.delivery import set_default
from batches.states import DeliveryState
from batchrouter.kit import clock
from tests.batches.delivery.conftest import SECRET, send, tell
from tests.factories.accounts import OrgFactory
from tests.settings.processes import environment
from tests.support.receiver import Answer, Got, Receiver

EVENTS = 12
WAIT_SECONDS = 60
WORKER = (
    "import django; django.setup();"
    "from batches.delivery.sender import DeliverySender;"
    "DeliverySender().run(budget_seconds=60)"
)


class Victim:
    """A worker process that is killed by the receiver, at the n-th request."""

    def __init__(self, env: dict[str, str]) -> None:
        self._env = env
        self._process: subprocess.Popen[bytes] | None = None
        self._left = 0

    def work_until_request(self, number: int) -> None:
        self._left = number
        command = [sys.executable, "-c", WORKER]
        self._process = subprocess.Popen(command, env=self._env)
        try:
            self._process.wait(timeout=WAIT_SECONDS)
        finally:
            self._process.kill()

    def answer(self, _got: Got) -> Answer:
        self._left -= 1
        if self._left == 0 and self._process is not None:
            self._process.kill()
        return Answer()


@pytest.fixture
def victim(committed_db: None) -> Victim:
    name = connection.settings_dict["NAME"]
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    settings = "batchrouter.settings.test"
    return Victim(environment(DATABASE_URL=url, DJANGO_SETTINGS_MODULE=settings))


def leases_run_out() -> None:
    """Let the dead worker's leases be over, and its deliveries be taken back."""
    held = WebhookDelivery.objects.filter(state=DeliveryState.SENDING)
    assert held.update(lease_until=clock.now() - timedelta(seconds=1))
    take_back_lost(now=clock.now())


def test_every_event_arrives_with_the_same_bytes_however_often_the_worker_dies(
    victim: Victim,
) -> None:
    with Receiver(answer=victim.answer) as receiver:
        org = OrgFactory.create()
        set_default(org, url=receiver.url, secret=SECRET, now=clock.now())
        for number in range(EVENTS):
            tell(org, receiver.url, number)
        for request in (1, 3, 2):
            victim.work_until_request(request)
            leases_run_out()
        send()

    expected = dict(WebhookEvent.objects.values_list("public_id", "body"))
    assert len(expected) == EVENTS
    assert {(got.event_id, got.body.decode()) for got in receiver.got} == set(
        expected.items()
    )
    assert set(WebhookDelivery.objects.values_list("state", "tries")) == {
        (DeliveryState.DELIVERED, 1)
    }
    assert WebhookAttempt.objects.filter(outcome="unknown").count() >= 3
