"""Sending what is due: tries, outcomes, isolation."""

from datetime import timedelta
from typing import Any

from django.db.models import F
from standardwebhooks import Webhook

from batches.delivery.claims import claim, take_back_lost
from batches.models import (
    DisabledReason,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
)
from batches.services.delivery import replay, set_default
from batches.states import DeliveryState
from batchrouter.kit import clock
from tests.batches.delivery.conftest import SECRET, Heard, send, tell
from tests.support.receiver import Answer, Receiver


def due_again(delivery: WebhookDelivery) -> None:
    """Let the pause before the next try be over, and the breaker's too."""
    now = clock.now()
    WebhookDelivery.objects.filter(pk=delivery.pk).update(next_attempt_at=now)
    WebhookEndpoint.objects.update(held_until=None)


def test_an_event_arrives_and_the_official_library_verifies_it(heard: Heard) -> None:
    delivery = heard.emit()

    assert send() == 1

    [got] = heard.receiver.got
    verified = Webhook(SECRET).verify(got.body, got.headers)
    assert verified["id"] == delivery.event.public_id
    assert verified["data"] == {"number": 0}
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.DELIVERED
    attempt = WebhookAttempt.objects.get()
    assert (attempt.no, attempt.outcome, attempt.status_code) == (1, "delivered", 200)


def test_every_try_has_the_same_id_and_bytes(heard: Heard) -> None:
    heard.receiver.answer = lambda _got: Answer(500)
    delivery = heard.emit()

    for _ in range(8):
        assert send() == 1
        due_again(delivery)
    assert send() == 0

    assert {(got.event_id, got.body) for got in heard.receiver.got} == {
        (delivery.event.public_id, delivery.event.body.encode())
    }
    assert len(heard.receiver.got) == 8
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries) == (DeliveryState.FAILED, 8)
    assert delivery.error == "status_refused"


def test_a_try_that_failed_waits_for_its_pause(heard: Heard) -> None:
    heard.receiver.answer = lambda _got: Answer(503)
    delivery = heard.emit()

    before = clock.now()
    send()
    after = clock.now()

    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.PENDING
    assert delivery.tries == 1
    assert delivery.next_attempt_at >= before + timedelta(seconds=9.2)
    assert delivery.next_attempt_at <= after + timedelta(seconds=10.8)


def test_a_retry_after_is_waited_for_by_everything_for_the_endpoint(
    heard: Heard,
) -> None:
    heard.receiver.answer = lambda _got: Answer(429, (("Retry-After", "120"),))
    first = heard.emit()
    before = clock.now()
    send()
    after = clock.now()
    heard.emit()

    assert send() == 0

    first.refresh_from_db()
    wait = timedelta(seconds=120)
    assert before + wait <= first.next_attempt_at <= after + wait
    held_until = first.endpoint.held_until
    assert held_until is not None
    assert before + wait <= held_until <= after + wait


def test_a_redirect_is_a_failure_and_is_not_followed(heard: Heard) -> None:
    with Receiver() as elsewhere:
        to = (("Location", f"{elsewhere.url}/"),)
        statuses = iter((301, 302, 303, 307, 308))
        heard.receiver.answer = lambda _got: Answer(next(statuses), to)
        for number in range(5):
            heard.emit(number)
            send()
            WebhookEndpoint.objects.update(held_until=None)

        assert elsewhere.connections == 0
    assert set(WebhookAttempt.objects.values_list("outcome", flat=True)) == {
        "redirect_refused"
    }


def test_gone_disables_the_endpoint_and_ends_what_waits(heard: Heard) -> None:
    heard.receiver.answer = lambda _got: Answer(410)
    first = heard.emit()
    waiting = heard.emit()
    later = clock.now() + timedelta(hours=1)
    WebhookDelivery.objects.filter(pk=waiting.pk).update(next_attempt_at=later)

    send()

    endpoint = WebhookEndpoint.objects.get()
    assert endpoint.disabled_reason == DisabledReason.GONE
    first.refresh_from_db()
    waiting.refresh_from_db()
    assert (first.state, first.error) == (DeliveryState.FAILED, "gone")
    assert (waiting.state, waiting.error) == (
        DeliveryState.FAILED,
        "endpoint_disabled",
    )


def test_setting_a_disabled_address_anew_enables_it(heard: Heard) -> None:
    heard.receiver.answer = lambda _got: Answer(410)
    heard.emit()
    send()

    set_default(heard.org, url=heard.receiver.url, secret=None, now=clock.now())

    assert WebhookEndpoint.objects.get().disabled_at is None


def test_five_failures_in_a_row_open_the_breaker(heard: Heard) -> None:
    heard.receiver.answer = lambda _got: Answer(500)
    for number in range(5):
        heard.emit(number)
    send()

    endpoint = WebhookEndpoint.objects.get()
    assert endpoint.failures == 5
    assert endpoint.held_until is not None
    assert endpoint.held_until > clock.now()
    heard.emit()
    assert send() == 0


def test_after_its_pause_a_failing_endpoint_is_asked_by_one_call(heard: Heard) -> None:
    WebhookEndpoint.objects.update(failures=5)
    heard.receiver.answer = lambda _got: Answer(500)
    for number in range(3):
        heard.emit(number)

    assert send() == 1


def test_a_success_closes_the_breaker_for_all_that_waits(heard: Heard) -> None:
    WebhookEndpoint.objects.update(failures=9, failing_since=clock.now())
    for number in range(6):
        heard.emit(number)

    assert send() == 6

    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.failures, endpoint.failing_since) == (0, None)


def test_an_endpoint_that_failed_for_five_days_is_disabled(heard: Heard) -> None:
    since = clock.now() - timedelta(days=5)
    WebhookEndpoint.objects.update(failures=40, failing_since=since)
    heard.receiver.answer = lambda _got: Answer(500)
    heard.emit()

    send()

    assert WebhookEndpoint.objects.get().disabled_reason == DisabledReason.FAILING


def test_nobody_there_is_a_failed_connection(heard: Heard) -> None:
    with Receiver() as short_lived:
        url = short_lived.url
    set_default(heard.org, url=url, secret=None, now=clock.now())
    tell(heard.org, url)

    send()

    attempt = WebhookAttempt.objects.get()
    assert (attempt.outcome, attempt.status_code) == ("connection_failed", None)


def test_a_long_answer_is_cut_off_and_never_kept(heard: Heard) -> None:
    heard.receiver.answer = lambda _got: Answer(200, (), b"x" * 100_000)
    heard.emit()

    send()

    assert WebhookAttempt.objects.get().outcome == "reply_too_large"


def test_what_a_dead_worker_held_is_sent_again_and_no_try_is_used(
    heard: Heard, settings: Any
) -> None:
    delivery = heard.emit()
    past = clock.now() - timedelta(seconds=1)
    # As a worker leaves it that was killed between the claim and the outcome.
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        state=DeliveryState.SENDING, lease_until=past, attempts=F("attempts") + 1
    )
    WebhookAttempt.objects.create(delivery=delivery, no=1, started_at=past)

    assert send() == 0
    assert take_back_lost(now=clock.now()) == 1
    assert send() == 1

    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries) == (DeliveryState.DELIVERED, 1)
    outcomes = WebhookAttempt.objects.order_by("no").values_list("no", "outcome")
    assert list(outcomes) == [(1, "unknown"), (2, "delivered")]


def test_an_event_is_sent_again_on_request_with_the_same_bytes(heard: Heard) -> None:
    delivery = heard.emit()
    send()

    delivery.refresh_from_db()
    replay(delivery, now=clock.now())
    send()

    first, second = heard.receiver.got
    assert (first.event_id, first.body) == (second.event_id, second.body)
    assert WebhookAttempt.objects.count() == 2


def test_a_claim_takes_four_of_an_endpoint_at_most(heard: Heard) -> None:
    for number in range(6):
        heard.emit(number)

    claimed = claim(limit=100, lease_seconds=30, now=clock.now())
    again = claim(limit=100, lease_seconds=30, now=clock.now())

    assert (len(claimed), len(again)) == (4, 0)
