"""The receivers of ``examples/`` take real deliveries, once each, and nobody else's."""

import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from accounts.models import Org
from batches.services.delivery import replay, rotate_secret, set_default
from batchrouter.kit import clock
from tests.batches.delivery.conftest import send, tell
from tests.factories.accounts import OrgFactory

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PLAIN_SECRET = "a-secret-of-the-customers-own"
COMMANDS = {
    "python": [sys.executable, str(EXAMPLES / "webhook_receiver.py")],
    "node": [shutil.which("node") or "node", str(EXAMPLES / "webhook_receiver.mjs")],
}


@pytest.fixture(params=list(COMMANDS))
def command(request: pytest.FixtureRequest) -> list[str]:
    if request.param == "node" and shutil.which("node") is None:
        pytest.skip("needs node")
    return COMMANDS[request.param]


class Example:
    """A receiver of the examples while it runs."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.url = self.line().removeprefix("listening ")

    def line(self) -> str:
        """Wait for its next line."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def words(self) -> list[str]:
        return self.line().split(" ", 3)


@contextmanager
def running(command: list[str], secret: str, inbox: Path) -> Iterator[Example]:
    env = {**os.environ, "WEBHOOK_SECRET": secret, "PORT": "0", "INBOX": str(inbox)}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as child:
        try:
            yield Example(child)
        finally:
            child.kill()


def heard_by(url: str, secret: str) -> Org:
    org: Org = OrgFactory.create()
    set_default(org, url=url, secret=secret, now=clock.now())
    return org


@pytest.mark.parametrize("secret", ["whsec_" + "QUJD" * 8, PLAIN_SECRET])
def test_a_delivery_is_verified_and_its_repeat_ignored(
    db: None, command: list[str], secret: str, tmp_path: Path
) -> None:
    with running(command, secret, tmp_path / "inbox") as example:
        org = heard_by(example.url, secret)
        delivery = tell(org, example.url, number=7)
        send()

        word, event_id, kind, data = example.words()
        assert (word, kind) == ("event", "endpoint.test")
        assert event_id == delivery.event.public_id
        assert json.loads(data) == {"number": 7}

        delivery.refresh_from_db()
        assert delivery.state == "delivered"
        replay(delivery, now=clock.now())
        send()
        assert example.words() == ["duplicate", event_id]


def test_a_repeat_is_known_after_a_restart(
    db: None, command: list[str], tmp_path: Path
) -> None:
    with running(command, PLAIN_SECRET, tmp_path / "inbox") as example:
        org = heard_by(example.url, PLAIN_SECRET)
        delivery = tell(org, example.url)
        send()
        event_id = example.words()[1]
        body = delivery.event.body
    with running(command, PLAIN_SECRET, tmp_path / "inbox") as example:
        set_default(org, url=example.url, secret=None, now=clock.now())
        again = tell(org, example.url)
        # The same event, sent to a receiver that has moved.
        type(again.event).objects.filter(pk=again.event_id).update(body=body)
        send()

        assert example.words() == ["duplicate", event_id]


def test_after_a_rotation_the_earlier_secret_still_verifies(
    db: None, command: list[str], tmp_path: Path
) -> None:
    with running(command, PLAIN_SECRET, tmp_path / "inbox") as example:
        org = heard_by(example.url, PLAIN_SECRET)
        rotate_secret(org, secret=None, now=clock.now())
        tell(org, example.url)
        send()

        assert example.words()[0] == "event"


def test_what_others_signed_is_refused(
    db: None, command: list[str], tmp_path: Path
) -> None:
    with running(command, PLAIN_SECRET, tmp_path / "inbox") as example:
        org = heard_by(example.url, "quite-another-secret-than-that")
        delivery = tell(org, example.url)
        send()

        delivery.refresh_from_db()
        attempt = delivery.tried.get()
        assert (attempt.outcome, attempt.status_code) == ("status_refused", 401)


def test_what_is_not_signed_at_all_is_refused(
    command: list[str], tmp_path: Path
) -> None:
    with running(command, PLAIN_SECRET, tmp_path / "inbox") as example:
        request = urllib.request.Request(example.url, data=b'{"id":"evt_1"}')
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, timeout=60)
        caught.value.close()

    assert caught.value.code == 401
