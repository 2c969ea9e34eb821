"""Webhooks through the API: the organization's address and secret, tries, replay."""

from typing import Any

import pytest
from standardwebhooks import Webhook

from batches.models import WebhookDelivery, WebhookEndpoint, WebhookSecret
from batches.services.delivery import set_default
from batchrouter.kit import clock
from tests.batches.conftest import Customer
from tests.batches.delivery.conftest import SECRET, send
from tests.factories.batches import make_batch, make_items
from tests.support.hostile_urls import hostile_urls
from tests.support.receiver import Answer, Receiver

WEBHOOK = "/v1/auth/account/delivery-webhook"
DELIVERIES = "/v1/webhook-deliveries"
HOOK = "https://hooks.example.com/b"


def put(customer: Customer, **body: Any) -> dict[str, Any]:
    response = customer.api.put(WEBHOOK, body)
    assert response.status_code == 200, response.content
    found: dict[str, Any] = response.json()
    return found


@pytest.fixture
def receiver() -> Any:
    with Receiver() as running:
        yield running


def test_without_a_webhook_there_is_none_to_show(owner: Customer) -> None:
    body = owner.api.get(WEBHOOK).json()

    assert (body["url"], body["enabled"], body["secret"]) == (None, False, None)


def test_the_first_secret_is_ours_and_shown_once(owner: Customer) -> None:
    body = put(owner, url=HOOK)

    assert body["secret"].startswith("whsec_")
    assert (body["url"], body["enabled"]) == (HOOK, True)
    assert owner.api.get(WEBHOOK).json() == {**body, "secret": None}
    assert put(owner, url=HOOK)["secret"] is None


def test_a_secret_that_is_given_is_never_shown(owner: Customer) -> None:
    body = put(owner, url=HOOK, secret=SECRET)

    assert body["secret"] is None
    assert SECRET not in WebhookSecret.objects.get().sealed


@pytest.mark.parametrize("secret", ["short", "s" * 65, "", "é" * 24])
def test_a_weak_secret_is_refused_and_nothing_changes(
    owner: Customer, secret: str
) -> None:
    response = owner.api.put(WEBHOOK, {"url": HOOK, "secret": secret})

    assert response.status_code == 400
    assert response.json()["error"]["param"] == "secret"
    assert not WebhookEndpoint.objects.exists()


def test_no_address_of_the_hostile_corpus_is_taken_in_production(
    owner: Customer, settings: Any
) -> None:
    settings.APP_ENV = "production"
    # Names are resolved when something is sent: those that look public pass here.
    looks_public = ("example.com:9999/hook", "xn--")
    for url in hostile_urls(9999):
        if any(part in url for part in looks_public):
            continue
        response = owner.api.put(WEBHOOK, {"url": url})
        assert response.status_code == 400, url
    assert not WebhookEndpoint.objects.exists()


def test_removing_it_ends_what_is_told(owner: Customer) -> None:
    put(owner, url=HOOK)

    assert owner.api.delete(WEBHOOK).status_code == 204
    assert owner.api.get(WEBHOOK).json()["url"] is None
    assert owner.api.delete(WEBHOOK).status_code == 404
    make_batch(owner.org, make_items(1))
    assert not WebhookDelivery.objects.exists()


def test_another_address_takes_the_place_of_the_first(owner: Customer) -> None:
    put(owner, url=HOOK)

    body = put(owner, url=f"{HOOK}/2")

    assert body["url"] == f"{HOOK}/2"
    assert WebhookEndpoint.objects.filter(is_default=True).count() == 1


def test_a_rotated_secret_is_shown_once_and_both_sign(
    owner: Customer, receiver: Receiver
) -> None:
    set_default(owner.org, url=receiver.url, secret=SECRET, now=clock.now())

    first = owner.api.post(f"{WEBHOOK}/rotate-secret", {}, idempotency_key="once")
    again = owner.api.post(f"{WEBHOOK}/rotate-secret", {}, idempotency_key="once")
    owner.api.post(f"{WEBHOOK}/test", {})
    send()

    secret = first.json()["secret"]
    assert first.json()["previous_secret_until"] is not None
    assert again.json()["secret"] is None
    [got] = receiver.got
    assert Webhook(secret).verify(got.body, got.headers)
    assert Webhook(SECRET).verify(got.body, got.headers)


def test_a_test_is_sent_and_its_tries_can_be_read(
    owner: Customer, receiver: Receiver
) -> None:
    put(owner, url=receiver.url)

    sent = owner.api.post(f"{WEBHOOK}/test", {})
    send()

    assert sent.status_code == 202
    body = owner.api.get(f"{DELIVERIES}/{sent.json()['id']}").json()
    assert (body["event"], body["state"]) == ("endpoint.test", "delivered")
    assert body["body"].encode() == receiver.got[0].body
    [attempt] = body["tries"]
    assert (attempt["attempt"], attempt["outcome"], attempt["status_code"]) == (
        1,
        "delivered",
        200,
    )


def test_a_test_needs_a_webhook(owner: Customer) -> None:
    assert owner.api.post(f"{WEBHOOK}/test", {}).status_code == 404


def test_a_batch_shows_its_last_attempt_and_lists_all(
    owner: Customer, receiver: Receiver
) -> None:
    receiver.answer = lambda _got: Answer(500, (), b"SECRET-OF-THE-RECEIVER")
    batch = make_batch(
        owner.org, make_items(1), delivery={"webhook_url": f"{receiver.url}/b"}
    )
    send()
    WebhookDelivery.objects.update(next_attempt_at=clock.now())
    send()

    shown = owner.api.get(f"/v1/batches/{batch.public_id}").json()["delivery"]
    listed = owner.api.get(f"/v1/batches/{batch.public_id}/delivery-attempts?limit=1")

    assert shown["webhook_url"] == f"{receiver.url}/b"
    assert (shown["last_attempt"]["attempt"], shown["last_attempt"]["outcome"]) == (
        2,
        "status_refused",
    )
    page = listed.json()
    assert [each["attempt"] for each in page["data"]] == [2]
    rest = owner.api.get(
        f"/v1/batches/{batch.public_id}/delivery-attempts"
        f"?limit=1&cursor={page['next_cursor']}"
    ).json()
    assert [each["attempt"] for each in rest["data"]] == [1]
    assert b"SECRET-OF" not in listed.content


def test_an_ended_delivery_is_sent_again_on_request(
    owner: Customer, receiver: Receiver
) -> None:
    put(owner, url=receiver.url)
    make_batch(owner.org, make_items(1))
    send()
    [delivery] = owner.api.get(DELIVERIES).json()["data"]

    again = owner.api.post(f"{DELIVERIES}/{delivery['id']}/replay", {})
    send()

    assert (again.status_code, again.json()["state"]) == (202, "pending")
    first, second = receiver.got
    assert (first.event_id, first.body) == (second.event_id, second.body)


def test_an_open_delivery_is_not_sent_again(owner: Customer) -> None:
    put(owner, url=HOOK)
    make_batch(owner.org, make_items(1))
    [delivery] = owner.api.get(DELIVERIES).json()["data"]

    again = owner.api.post(f"{DELIVERIES}/{delivery['id']}/replay", {})

    assert (again.status_code, again.json()["error"]["code"]) == (409, "delivery_open")


def test_nothing_is_sent_again_to_a_disabled_address(
    owner: Customer, receiver: Receiver
) -> None:
    put(owner, url=receiver.url)
    receiver.answer = lambda _got: Answer(410)
    make_batch(owner.org, make_items(1))
    send()
    [delivery] = owner.api.get(DELIVERIES).json()["data"]

    again = owner.api.post(f"{DELIVERIES}/{delivery['id']}/replay", {})

    assert (again.status_code, again.json()["error"]["code"]) == (
        409,
        "webhook_disabled",
    )
    shown = owner.api.get(WEBHOOK).json()
    assert (shown["enabled"], shown["disabled_reason"]) == (False, "gone")


def test_deliveries_are_listed_by_batch(owner: Customer, stranger: Customer) -> None:
    put(owner, url=HOOK)
    batch = make_batch(owner.org, make_items(1))
    make_batch(owner.org, make_items(1))

    by_batch = owner.api.get(f"{DELIVERIES}?batch_id={batch.public_id}").json()

    assert [each["batch_id"] for each in by_batch["data"]] == [batch.public_id]
    assert len(owner.api.get(DELIVERIES).json()["data"]) == 2
    assert stranger.api.get(DELIVERIES).json()["data"] == []
    refused = stranger.api.get(f"{DELIVERIES}?batch_id={batch.public_id}")
    assert refused.status_code == 404


def test_a_submit_with_another_secret_than_the_quotes_is_refused(
    owner: Customer,
) -> None:
    def manifest(secret: str) -> dict[str, Any]:
        return {
            "items": make_items(1),
            "delivery": {"webhook_url": HOOK, "secret": secret},
        }

    quote = owner.api.post("/v1/batches/quote", manifest("a" * 24)).json()
    body = {"quote_id": quote["quote_id"]}

    wrong = owner.api.post("/v1/batches", {**manifest("b" * 24), **body})
    right = owner.api.post("/v1/batches", {**manifest("a" * 24), **body})

    assert (wrong.status_code, wrong.json()["error"]["code"]) == (
        409,
        "quote_manifest_mismatch",
    )
    assert right.status_code == 202
