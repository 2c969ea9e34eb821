"""The first page."""

import pytest
from django.test import Client

from accounts.models import Org
from batches.models import Batch
from tests.console.made import running_batch


@pytest.mark.usefixtures("market")
def test_visitors_are_told_what_this_is() -> None:
    body = Client().get("/").content.decode()
    assert "Send a manifest" in body
    assert 'href="/docs/api"' in body
    assert 'href="/workflows"' in body
    assert 'href="/login"' in body


@pytest.mark.usefixtures("market")
def test_visitors_see_a_quote_at_todays_prices() -> None:
    body = Client().get("/").content.decode()
    assert "10,000 items: Support ticket triage" in body
    assert "50 % below direct calls" in body
    assert 'href="/batches/new?workflow=classify-support-tickets"' in body


@pytest.mark.django_db
def test_an_empty_catalog_leaves_the_quote_out() -> None:
    reply = Client().get("/")
    assert reply.status_code == 200
    assert "A quote, at today" not in reply.content.decode()


def test_a_new_organization_is_told_what_to_do_first(owner: Client) -> None:
    body = owner.get("/").content.decode()
    assert "Send your first batch" in body
    assert body.index('href="/account/keys">Create an API key') < body.index("curl")
    assert "curl -sS https://batchrouter.example/v1/batches" in body


def test_the_balance_is_shown(owner: Client) -> None:
    assert "$50.00" in owner.get("/").content.decode()


def test_running_and_ended_batches_are_apart(
    owner: Client, org: Org, batch: Batch
) -> None:
    running = running_batch(org, items=4, answers=["one"])
    body = owner.get("/").content.decode()
    assert body.index("Running now") < body.index(running.public_id)
    assert body.index(running.public_id) < body.index("Recently ended")
    assert body.index("Recently ended") < body.index(batch.public_id)
    assert "Send your first batch" not in body
