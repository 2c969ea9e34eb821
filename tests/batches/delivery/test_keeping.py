"""Secrets are sealed anew, and old events are forgotten."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from batches.delivery import secrets
from batches.models import Batch, Quote, WebhookDelivery, WebhookEvent, WebhookSecret
from batches.services.delivery import forget_told, rotate_secret
from batchrouter.kit import clock
from tests.batches.conftest import Customer
from tests.batches.delivery.conftest import SECRET, Heard, send
from tests.factories.batches import make_batch, make_items

OWN_SECRET = "an-own-secret-of-this-batch"


def test_every_secret_is_sealed_anew_and_opens_without_the_old_key(
    owner: Customer, settings: Any
) -> None:
    settings.CREDENTIALS_KEYS = ["old key"]
    delivery = {"webhook_url": "https://hooks.example.com/", "secret": OWN_SECRET}
    rotate_secret(owner.org, secret=SECRET, now=clock.now())
    rotate_secret(owner.org, secret=None, now=clock.now())
    batch = make_batch(owner.org, make_items(1), delivery=delivery)
    settings.CREDENTIALS_KEYS = ["new key", "old key"]

    call_command("reseal_webhook_secrets", stdout=StringIO())

    settings.CREDENTIALS_KEYS = ["new key"]
    row = WebhookSecret.objects.get()
    assert secrets.unseal(row.sealed).startswith("whsec_")
    assert secrets.unseal(row.sealed_before) == SECRET
    again = Batch.objects.get(pk=batch.pk)
    assert secrets.unseal(again.webhook_secret) == OWN_SECRET
    for quote in Quote.objects.all():
        assert secrets.unseal(quote.spec["webhook_secret"]) == OWN_SECRET


def test_where_one_cannot_be_opened_none_is_changed(
    owner: Customer, settings: Any
) -> None:
    settings.CREDENTIALS_KEYS = ["old key"]
    rotate_secret(owner.org, secret=SECRET, now=clock.now())
    sealed = WebhookSecret.objects.get().sealed
    settings.CREDENTIALS_KEYS = ["another key"]

    with pytest.raises(CommandError):
        call_command("reseal_webhook_secrets")

    assert WebhookSecret.objects.get().sealed == sealed


def test_what_ended_a_month_ago_is_forgotten_and_what_waits_is_not(
    heard: Heard,
) -> None:
    heard.emit(1)
    send()
    heard.emit(2)
    old = clock.now() - timedelta(days=31)
    WebhookEvent.objects.update(created_at=old)
    WebhookDelivery.objects.update(state_at=old)

    forget_told(now=clock.now())

    [kept] = WebhookEvent.objects.all()
    assert '"number":2' in kept.body


def test_what_ended_of_late_is_kept(heard: Heard) -> None:
    heard.emit()
    send()
    WebhookEvent.objects.update(created_at=clock.now() - timedelta(days=31))

    assert forget_told(now=clock.now()) == 0
