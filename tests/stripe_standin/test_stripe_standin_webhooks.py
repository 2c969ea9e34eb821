"""Webhooks: signed, retried, doubled, dropped, held and sent again."""

import pytest
import stripe

from tests.stripe_standin.conftest import NewSession, Shop, client_of, wait_for, wished
from tests.support.stripe_standin import WEBHOOK_SECRET, Json, StripeStandin

COMPLETED = "checkout.session.completed"
CARD_PAYMENT = ["charge.succeeded", "payment_intent.succeeded", COMPLETED]


def test_a_card_payment_is_told_in_three_events(
    standin: StripeStandin, shop: Shop, paid: Json
) -> None:
    standin.wait_until_quiet()

    assert sorted(shop.types()) == sorted(CARD_PAYMENT)
    told = shop.of_type(COMPLETED)
    assert (told["id"], told["payment_status"]) == (paid["id"], "paid")


def test_an_event_is_the_same_by_post_and_by_api(
    standin: StripeStandin, shop: Shop, client: stripe.StripeClient, paid: Json
) -> None:
    standin.wait_until_quiet()
    [posted] = [event for event in shop.events() if event.type == COMPLETED]
    assert posted.data.object["id"] == paid["id"]

    assert client.v1.events.retrieve(posted.id).to_dict() == posted.to_dict()


def test_an_event_names_the_call_that_caused_it(
    standin: StripeStandin,
    shop: Shop,
    client: stripe.StripeClient,
    new_session: NewSession,
) -> None:
    client.v1.checkout.sessions.expire(
        new_session().id, options={"idempotency_key": "one"}
    )
    standin.wait_until_quiet()

    [event] = shop.events()
    assert event["request"]["idempotency_key"] == "one"
    assert event["request"]["id"].startswith("req_")


def test_an_answer_other_than_2xx_is_followed_by_another_try(
    standin: StripeStandin, shop: Shop, new_session: NewSession
) -> None:
    shop.statuses += [500, 503]
    standin.control(f"sessions/{new_session().id}/expire")
    standin.wait_until_quiet()

    [delivery] = standin.deliveries()
    assert (delivery["attempts"], delivery["state"]) == (3, "delivered")
    assert len({event.id for event in shop.events()}) == 1
    assert len(shop.events()) == 3


def test_tries_end(standin: StripeStandin, shop: Shop, new_session: NewSession) -> None:
    standin.settings(retry_attempts=2)
    shop.statuses += [500, 500, 500]
    standin.control(f"sessions/{new_session().id}/expire")
    standin.wait_until_quiet()

    [delivery] = standin.deliveries()
    assert (delivery["attempts"], delivery["state"]) == (2, "failed")
    assert delivery["last_status"] == 500


def test_a_signature_by_another_secret_is_told_apart(
    standin: StripeStandin, shop: Shop, new_session: NewSession
) -> None:
    shop.secret = "whsec_other"
    standin.settings(retry_attempts=1)
    standin.control(f"sessions/{new_session().id}/expire")
    standin.wait_until_quiet()

    assert shop.events() == []
    assert standin.deliveries()[0]["last_status"] == 400


def test_two_secrets_sign_during_a_rotation(
    standin: StripeStandin, shop: Shop, new_session: NewSession
) -> None:
    standin.control("webhook_secrets", {"secrets": [WEBHOOK_SECRET, "whsec_new"]})
    standin.control(f"sessions/{new_session().id}/expire")
    standin.wait_until_quiet()
    shop.secret = "whsec_new"
    standin.control(f"sessions/{new_session().id}/expire")
    standin.wait_until_quiet()

    assert [header.count("v1=") for header in shop.headers] == [2, 2]
    assert shop.types() == ["checkout.session.expired"] * 2


def test_an_event_may_come_twice(
    standin: StripeStandin, shop: Shop, new_session: NewSession
) -> None:
    standin.settings(duplicate=1)
    standin.control(f"sessions/{new_session().id}/expire")
    standin.wait_until_quiet()

    first, second = shop.events()
    assert first.id == second.id


def test_the_next_events_may_be_dropped(
    standin: StripeStandin, shop: Shop, new_session: NewSession
) -> None:
    standin.settings(drop=1)
    for _ in range(2):
        standin.control(f"sessions/{new_session().id}/expire")
    standin.wait_until_quiet()

    assert [each["state"] for each in standin.deliveries()] == ["dropped", "delivered"]
    assert len(shop.events()) == 1


def test_types_may_be_dropped_and_stay_in_the_api(
    standin: StripeStandin,
    shop: Shop,
    client: stripe.StripeClient,
    new_session: NewSession,
) -> None:
    standin.settings(drop=[COMPLETED])
    standin.pay(new_session().id)
    standin.wait_until_quiet()

    assert sorted(shop.types()) == ["charge.succeeded", "payment_intent.succeeded"]
    assert len(client.v1.events.list({"type": COMPLETED}).data) == 1


def test_a_dropped_event_can_be_sent_again(
    standin: StripeStandin,
    shop: Shop,
    client: stripe.StripeClient,
    new_session: NewSession,
) -> None:
    standin.settings(drop=[COMPLETED])
    standin.pay(new_session().id)
    [event] = client.v1.events.list({"type": COMPLETED}).data
    standin.control(f"events/{event.id}/resend")
    standin.wait_until_quiet()

    assert shop.types().count(COMPLETED) == 1


def test_held_events_are_released_in_the_order_asked_for(
    standin: StripeStandin, shop: Shop, new_session: NewSession
) -> None:
    standin.settings(paused=True)
    standin.pay(new_session().id)
    held = shop.types()
    standin.release(*reversed(CARD_PAYMENT))

    assert held == []
    assert shop.types() == CARD_PAYMENT[::-1]


def test_held_events_come_after_the_pause(
    standin: StripeStandin, shop: Shop, new_session: NewSession
) -> None:
    standin.settings(paused=True)
    standin.pay(new_session().id)
    standin.settings(paused=False)
    standin.wait_until_quiet()

    assert sorted(shop.types()) == sorted(CARD_PAYMENT)


def test_a_release_of_what_does_not_wait_is_refused(standin: StripeStandin) -> None:
    with pytest.raises(RuntimeError, match="Nothing waits for"):
        standin.release(COMPLETED)


def test_deliveries_may_be_delayed(
    standin: StripeStandin, shop: Shop, new_session: NewSession
) -> None:
    standin.settings(delay_ms=60_000)
    standin.pay(new_session().id)

    assert [each["state"] for each in standin.deliveries()] == ["pending"] * 3
    assert shop.events() == []


def test_an_endpoint_made_by_the_api_gets_what_it_asked_for(
    standin: StripeStandin,
    shop: Shop,
    client: stripe.StripeClient,
    new_session: NewSession,
) -> None:
    endpoint = client.v1.webhook_endpoints.create(
        {"url": shop.url, "enabled_events": ["checkout.session.expired"]}
    )
    assert endpoint.secret is not None
    found = client.v1.webhook_endpoints.retrieve(endpoint.id)
    client.v1.checkout.sessions.expire(new_session().id)
    standin.pay(new_session().id)

    own = [e for e in standin.deliveries() if e["endpoint"] == endpoint.id]
    assert [each["type"] for each in own] == ["checkout.session.expired"]
    assert "secret" not in found


def test_what_waits_is_delivered_after_a_restart(shop: Shop) -> None:
    with StripeStandin(webhook_url=shop.url) as standin:
        session = client_of(standin).v1.checkout.sessions.create(wished())
        standin.settings(paused=True)
        standin.pay(session.id)
        standin.kill()
        standin.start()
        wait_for(lambda: len(shop.events()) == 3)

        assert sorted(shop.types()) == sorted(CARD_PAYMENT)
