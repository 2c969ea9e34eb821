"""Nothing inside is reached: a real canary listens on loopback and hears nobody."""

from collections.abc import Iterator
from ipaddress import IPv4Network

import pytest

from accounts.models import Org
from batches.delivery.sender import DeliverySender
from batches.models import WebhookAttempt, WebhookEndpoint
from batches.services.delivery import rotate_secret
from batchrouter.kit import clock
from batchrouter.kit.destinations import PUBLIC, Rules
from batchrouter.kit.pool import HttpPool
from routing.contracts import WireRequest
from tests.batches.delivery.conftest import Heard, tell
from tests.factories.accounts import OrgFactory
from tests.support.hostile_urls import hostile_urls, resolve
from tests.support.receiver import Answer, Receiver

# A loopback address that stands for the public: the canary has another.
STAGE = "127.0.0.2"
STAGED = Rules(allow_http=True, allowed=(IPv4Network(f"{STAGE}/32"),))


@pytest.fixture
def canary() -> Iterator[Receiver]:
    with Receiver() as listening:
        yield listening


@pytest.fixture
def org(db: None) -> Org:
    org: Org = OrgFactory.create()
    rotate_secret(org, secret=None, now=clock.now())
    return org


def aimed_at(org: Org, urls: list[str]) -> None:
    """Let events wait for addresses, past every check of those who set them."""
    for url in urls:
        WebhookEndpoint.objects.create(org=org, url=url)
        tell(org, url)


def test_the_hostile_corpus_reaches_no_canary(org: Org, canary: Receiver) -> None:
    # Too long or with NUL: the table does not take these.
    urls = [
        url
        for url in dict.fromkeys(hostile_urls(canary.port))
        if len(url) <= 2048 and "\x00" not in url
    ]
    aimed_at(org, urls)

    tried = DeliverySender(rules=PUBLIC, resolve=resolve).run(budget_seconds=60)

    assert tried == len(urls) > 300
    assert canary.connections == 0
    outcomes = WebhookAttempt.objects.values_list("outcome", flat=True)
    assert set(outcomes) == {"invalid_url", "port_refused", "host_refused"}
    assert len(outcomes) == len(urls)


def test_a_name_that_is_bound_anew_is_called_where_it_was_judged(
    org: Org, canary: Receiver
) -> None:
    answers = iter([[STAGE]] + [["127.0.0.1"]] * 20)

    # On the same port as the canary: only the address tells them apart.
    with Receiver(STAGE, port=canary.port) as stage:
        aimed_at(org, [f"http://rebind.example.com:{stage.port}/hook"])
        sender = DeliverySender(rules=STAGED, resolve=lambda *_: next(answers))
        assert sender.run(budget_seconds=60) == 1

        [got] = stage.got
    assert got.headers["host"] == f"rebind.example.com:{stage.port}"
    assert canary.connections == 0


def test_a_name_that_turns_inside_before_it_is_judged_is_not_called(
    org: Org, canary: Receiver
) -> None:
    aimed_at(org, [f"http://rebind.example.com:{canary.port}/hook"])
    sender = DeliverySender(rules=STAGED, resolve=lambda *_: ["127.0.0.1"])

    sender.run(budget_seconds=60)

    assert canary.connections == 0
    assert WebhookAttempt.objects.get().outcome == "host_refused"


def test_a_redirect_to_the_inside_is_not_followed(org: Org, canary: Receiver) -> None:
    to = (("Location", f"{canary.url}/latest/meta-data/"),)
    with Receiver(STAGE, answer=lambda _got: Answer(302, to)) as stage:
        aimed_at(org, [f"{stage.url}/hook"])
        DeliverySender(rules=STAGED).run(budget_seconds=60)

        assert len(stage.got) == 1
    assert canary.connections == 0
    assert WebhookAttempt.objects.get().outcome == "redirect_refused"


def test_a_proxy_of_the_environment_is_not_used(
    heard: Heard, canary: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, canary.url)
    heard.emit()

    DeliverySender().run(budget_seconds=60)

    assert len(heard.receiver.got) == 1
    assert canary.connections == 0


def test_the_pool_judges_an_address_when_it_makes_the_socket(canary: Receiver) -> None:
    request = WireRequest("POST", f"{canary.url}/hook", (), b"{}")
    with HttpPool(max_in_flight=1, may_connect=lambda _address: False) as pool:
        pool.submit("token", request, 5_000)
        [done] = pool.wait(60)

    assert done.fault == "not_sent"
    assert canary.connections == 0
