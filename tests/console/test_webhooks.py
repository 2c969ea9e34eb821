"""The page of webhooks: address, secret, deliveries, a test, once more."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import Org, Role
from batches.delivery import secrets
from batches.delivery.verdicts import Outcome
from batches.models import (
    DisabledReason,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookSecret,
)
from batches.services.delivery import send_test, set_default
from batches.states import DeliveryState
from batchrouter.kit import clock
from tests.batches.delivery.conftest import SECRET
from tests.console.made import browser_of
from tests.console.mail import is_inert
from tests.factories.accounts import OrgFactory
from tests.support.hostile_urls import hostile_urls

pytestmark = pytest.mark.django_db

PAGE = "/account/webhooks"
HOOK = "https://hooks.example.com/b"
OURS = re.compile(r"whsec_[0-9A-Za-z+/]+=*")
ACTIONS = ["", "/rotate", "/remove", "/test"]


@pytest.fixture
def org() -> Org:
    return OrgFactory.create()


@pytest.fixture
def owner(org: Org) -> Client:
    return browser_of(org)


@pytest.fixture
def delivery(org: Org) -> WebhookDelivery:
    """A test event on its way to the organization's webhook."""
    set_default(org, url=HOOK, secret=SECRET, now=clock.now())
    return send_test(org, now=clock.now())


def page_of(delivery: WebhookDelivery) -> str:
    return f"{PAGE}/deliveries/{delivery.public_id}"


def end(delivery: WebhookDelivery, state: DeliveryState, outcome: Outcome) -> None:
    """Let one try have ended like this."""
    now = clock.now()
    error = "" if state == DeliveryState.DELIVERED else outcome
    WebhookAttempt.objects.create(
        delivery=delivery,
        no=1,
        started_at=now,
        ended_at=now,
        outcome=outcome,
        status_code=503,
        duration_ms=200,
    )
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        state=state, attempts=1, tries=1, error=error, give_up_at=now
    )


def switch_off(org: Org, reason: DisabledReason = DisabledReason.GONE) -> None:
    now = clock.now()
    WebhookEndpoint.objects.filter(org=org).update(
        disabled_at=now, disabled_reason=reason, failing_since=now, failures=1
    )


def test_the_first_secret_is_ours_and_shown_once(owner: Client, org: Org) -> None:
    reply = owner.post(PAGE, {"url": HOOK, "secret": ""})
    (secret,) = set(OURS.findall(reply.content.decode()))
    assert secrets.unseal(WebhookSecret.objects.get(org=org).sealed) == secret
    assert "no-store" in reply["Cache-Control"]
    again = owner.get(PAGE).content.decode()
    assert HOOK in again
    assert secret not in again
    assert not OURS.search(owner.post(PAGE, {"url": HOOK}).content.decode())


def test_a_secret_that_is_given_is_never_shown(owner: Client, org: Org) -> None:
    reply = owner.post(PAGE, {"url": HOOK, "secret": SECRET}, follow=True)
    assert "The webhook is set" in reply.content.decode()
    assert SECRET not in reply.content.decode()
    assert secrets.unseal(WebhookSecret.objects.get(org=org).sealed) == SECRET


def test_a_weak_secret_is_refused_beside_its_field(owner: Client) -> None:
    reply = owner.post(PAGE, {"url": HOOK, "secret": "short-secret"})
    body = reply.content.decode()
    assert reply.status_code == 400
    assert 'id="webhook-secret_error"' in body
    assert f'value="{HOOK}"' in body
    assert "short-secret" not in body
    assert not WebhookEndpoint.objects.exists()
    assert not WebhookSecret.objects.exists()


def test_no_hostile_address_is_taken_in_production(
    owner: Client, settings: Any
) -> None:
    settings.APP_ENV = "production"
    # Names are resolved when something is sent: those that look public pass here.
    looks_public = ("example.com:9999/hook", "xn--")
    for url in hostile_urls(9999):
        if any(part in url for part in looks_public):
            continue
        reply = owner.post(PAGE, {"url": url})
        assert reply.status_code == 400, url
        assert 'id="webhook-url_error"' in reply.content.decode(), url
    assert not WebhookEndpoint.objects.exists()


def test_what_is_wrong_with_an_address_stands_beside_it(
    owner: Client, settings: Any
) -> None:
    settings.APP_ENV = "production"
    for url, words in {
        "http://hooks.example.com/": "must begin with https://",
        "https://hooks.example.com:22/": "port must be 443",
        "https://10.0.0.1/": "no public address that we may call",
        "": "Enter the address that is called.",
    }.items():
        body = owner.post(PAGE, {"url": url}).content.decode()
        assert words in body
        assert f'value="{url}"' in body or not url


def test_rotating_shows_a_new_secret_and_both_sign_for_a_day(
    owner: Client, org: Org
) -> None:
    set_default(org, url=HOOK, secret=SECRET, now=clock.now())
    reply = owner.post(f"{PAGE}/rotate", {"secret": ""})
    (secret,) = set(OURS.findall(reply.content.decode()))
    kept = WebhookSecret.objects.get(org=org)
    assert secrets.unseal(kept.sealed) == secret
    assert secrets.unseal(kept.sealed_before) == SECRET
    assert kept.before_until == kept.changed_at + timedelta(hours=24)
    body = owner.get(PAGE).content.decode()
    assert "The one before it signs too" in body
    assert secret not in body


def test_ones_own_secret_can_take_over(owner: Client, org: Org) -> None:
    set_default(org, url=HOOK, secret=None, now=clock.now())
    reply = owner.post(f"{PAGE}/rotate", {"secret": SECRET}, follow=True)
    assert SECRET not in reply.content.decode()
    assert secrets.unseal(WebhookSecret.objects.get(org=org).sealed) == SECRET


def test_a_weak_secret_does_not_take_over(owner: Client, org: Org) -> None:
    set_default(org, url=HOOK, secret=SECRET, now=clock.now())
    reply = owner.post(f"{PAGE}/rotate", {"secret": "s" * 65})
    assert reply.status_code == 400
    assert 'id="rotate-secret_error"' in reply.content.decode()
    assert secrets.unseal(WebhookSecret.objects.get(org=org).sealed) == SECRET


def test_the_webhook_is_removed_and_the_secret_stays(owner: Client, org: Org) -> None:
    set_default(org, url=HOOK, secret=SECRET, now=clock.now())
    body = owner.post(f"{PAGE}/remove", follow=True).content.decode()
    assert "The webhook is removed" in body
    assert not WebhookEndpoint.objects.filter(is_default=True).exists()
    assert WebhookSecret.objects.filter(org=org).exists()
    assert owner.post(f"{PAGE}/remove").status_code == 404


def test_a_test_leads_to_its_delivery(owner: Client, org: Org) -> None:
    set_default(org, url=HOOK, secret=SECRET, now=clock.now())
    body = owner.post(f"{PAGE}/test", follow=True).content.decode()
    sent = WebhookDelivery.objects.get(org=org)
    assert f'hx-get="{page_of(sent)}/live" hx-trigger="every 2s"' in body
    assert f'id="live-refresh" href="{page_of(sent)}"' in body
    assert "endpoint.test" in body
    assert "A test of your webhook; nothing has happened." in body


def test_without_a_webhook_there_is_nothing_to_test(owner: Client) -> None:
    assert owner.post(f"{PAGE}/test").status_code == 404
    assert not WebhookDelivery.objects.exists()


def test_a_delivery_shows_its_tries(owner: Client, delivery: WebhookDelivery) -> None:
    end(delivery, DeliveryState.FAILED, Outcome.STATUS_REFUSED)
    body = owner.get(page_of(delivery)).content.decode()
    assert "It answered with a status outside 200 to 299." in body
    assert "503" in body
    assert "200 ms" in body
    assert "hx-get" not in body


def test_what_moves_asks_for_the_whole_page_at_its_end(
    owner: Client, delivery: WebhookDelivery
) -> None:
    live = f"{page_of(delivery)}/live"
    assert "HX-Refresh" not in owner.get(live)
    end(delivery, DeliveryState.DELIVERED, Outcome.DELIVERED)
    assert owner.get(live)["HX-Refresh"] == "true"


def test_a_try_that_is_far_off_is_not_watched(
    owner: Client, delivery: WebhookDelivery
) -> None:
    later = clock.now() + timedelta(hours=1)
    WebhookDelivery.objects.update(next_attempt_at=later)
    body = owner.get(page_of(delivery)).content.decode()
    assert "Next try" in body
    assert "hx-get" not in body


def test_an_ended_delivery_is_sent_again(
    owner: Client, delivery: WebhookDelivery
) -> None:
    end(delivery, DeliveryState.FAILED, Outcome.TIMED_OUT)
    assert (
        f"{page_of(delivery)}/replay" in owner.get(page_of(delivery)).content.decode()
    )
    owner.post(f"{page_of(delivery)}/replay")
    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries) == (DeliveryState.PENDING, 0)


def test_what_is_on_its_way_is_not_sent_again(
    owner: Client, delivery: WebhookDelivery
) -> None:
    reply = owner.post(f"{page_of(delivery)}/replay")
    assert reply.status_code == 409
    assert "on its way already" in reply.content.decode()


def test_a_failing_address_says_since_when(
    owner: Client, org: Org, delivery: WebhookDelivery
) -> None:
    now = clock.now()
    WebhookEndpoint.objects.filter(org=org).update(
        failures=7, failing_since=now, held_until=now + timedelta(minutes=5)
    )
    body = owner.get(PAGE).content.decode()
    assert "7 tries in a row have failed." in body
    assert "one call asks whether it is back" in body
    assert "Nothing is sent before" in body


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (DisabledReason.GONE, "Nothing is sent: it answered 410 Gone."),
        (DisabledReason.FAILING, "Nothing is sent: it took nothing for five days."),
    ],
    ids=["gone", "failing"],
)
def test_an_address_that_is_off_says_why_and_is_switched_on(
    reason: DisabledReason,
    words: str,
    owner: Client,
    org: Org,
    delivery: WebhookDelivery,
) -> None:
    end(delivery, DeliveryState.FAILED, Outcome.GONE)
    switch_off(org, reason)
    body = owner.get(PAGE).content.decode()
    assert words in body
    assert f"{PAGE}/test" not in body
    assert owner.post(f"{PAGE}/test").status_code == 409
    assert owner.post(f"{page_of(delivery)}/replay").status_code == 409
    owner.post(PAGE, {"url": HOOK})
    assert WebhookEndpoint.objects.get(org=org).disabled_at is None
    assert f"{PAGE}/test" in owner.get(PAGE).content.decode()


def test_deliveries_are_listed_by_state(
    owner: Client, org: Org, delivery: WebhookDelivery
) -> None:
    failed = send_test(org, now=clock.now())
    end(failed, DeliveryState.FAILED, Outcome.NO_ANSWER)
    body = owner.get(f"{PAGE}?state=failed").content.decode()
    assert page_of(failed) in body
    assert page_of(delivery) not in body
    assert (
        "There is none of this kind."
        in owner.get(f"{PAGE}?state=delivered").content.decode()
    )
    everything = owner.get(PAGE).content.decode()
    assert everything.index(page_of(failed)) < everything.index(page_of(delivery))


def test_the_list_goes_on_with_its_filter(
    owner: Client, org: Org, delivery: WebhookDelivery
) -> None:
    for _ in range(26):
        send_test(org, now=clock.now())
    body = owner.get(f"{PAGE}?state=pending").content.decode()
    found = re.search(r'rel="next" href="([^"#]+)', body)
    assert found is not None
    path = found[1].replace("&amp;", "&")
    assert path.startswith(f"{PAGE}?state=pending&before=whd_")
    assert page_of(delivery) in owner.get(path).content.decode()


def test_many_deliveries_cost_as_few_questions_as_one(
    owner: Client,
    org: Org,
    delivery: WebhookDelivery,
    django_assert_max_num_queries: Any,
) -> None:
    for _ in range(30):
        send_test(org, now=clock.now())
    owner.get(PAGE)
    with django_assert_max_num_queries(12):
        owner.get(PAGE)
    with django_assert_max_num_queries(6):
        owner.get(f"{page_of(delivery)}/live")


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_members_and_viewers_only_look(
    role: str, org: Org, delivery: WebhookDelivery
) -> None:
    end(delivery, DeliveryState.FAILED, Outcome.GONE)
    before = secrets.unseal(WebhookSecret.objects.get(org=org).sealed)
    browser = browser_of(org, role)
    assert HOOK in browser.get(PAGE).content.decode()
    for path in (PAGE, page_of(delivery)):
        body = browser.get(path).content.decode()
        assert f'method="post" action="{PAGE}' not in " ".join(body.split())
    for action in (*ACTIONS, f"/deliveries/{delivery.public_id}/replay"):
        form = {"url": "https://other.example.com/", "secret": ""}
        assert browser.post(f"{PAGE}{action}", form).status_code == 403
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.FAILED
    assert WebhookEndpoint.objects.get(org=org).url == HOOK
    assert WebhookEndpoint.objects.get(org=org).is_default
    assert secrets.unseal(WebhookSecret.objects.get(org=org).sealed) == before
    assert WebhookDelivery.objects.count() == 1


def test_deliveries_of_others_are_nobodys(delivery: WebhookDelivery) -> None:
    end(delivery, DeliveryState.FAILED, Outcome.GONE)
    stranger = browser_of(OrgFactory.create())
    assert stranger.get(page_of(delivery)).status_code == 404
    assert stranger.get(f"{page_of(delivery)}/live").status_code == 404
    assert stranger.post(f"{page_of(delivery)}/replay").status_code == 404
    body = stranger.get(f"{PAGE}?before={delivery.public_id}").content.decode()
    assert page_of(delivery) not in body
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.FAILED


@pytest.mark.parametrize("path", ["/deliveries/%00", "/deliveries/x", "?before=x"])
def test_addresses_that_name_nothing_are_404(path: str, owner: Client) -> None:
    assert owner.get(f"{PAGE}{path}").status_code == 404


@pytest.mark.parametrize("name", ["state=%3Cscript%3Ealert(1)%3C/script%3E"])
def test_a_filter_that_does_not_exist_is_inert(name: str, owner: Client) -> None:
    assert is_inert(
        owner.get(f"{PAGE}?{name}").content.decode(), "<script>alert(1)</script>"
    )


def test_addresses_are_inert(owner: Client, org: Org) -> None:
    url = "https://hooks.example.com/'onfocus=alert(1)?x='&lt=&amp;"
    set_default(org, url=url, secret=SECRET, now=clock.now())
    sent = send_test(org, now=clock.now())
    for path in (PAGE, page_of(sent)):
        assert is_inert(owner.get(path).content.decode(), url)
