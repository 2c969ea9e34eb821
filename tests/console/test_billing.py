"""The billing page."""

import re

from django.test import Client

from accounts.models import Org
from batches.models import Batch
from tests.console.made import running_batch
from tests.factories.billing import ReservationFactory


def text_of(client: Client, path: str = "/billing") -> str:
    reply = client.get(path)
    assert reply.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", reply.content.decode()).split())


def test_the_balance_stands_first(owner: Client, org: Org) -> None:
    ReservationFactory.create(org=org, amount_nanousd=10_500_000_000)
    assert "Available $39.50 Reserved $10.50 Together $50.00" in text_of(owner)


def test_a_reservation_says_for_what_and_why(owner: Client, org: Org) -> None:
    running = running_batch(org, items=1, answers=[])
    text = text_of(owner)
    assert f"{running.public_id} Ceiling of batch {running.public_id} held" in text


def test_a_settled_reservation_says_how_it_ended(owner: Client, batch: Batch) -> None:
    body = owner.get("/billing").content.decode()
    assert f'href="/batches/{batch.public_id}"' in body
    assert "settled" in text_of(owner)
    assert 'title="0.00004236 USD"' in body


def test_the_ledger_lists_what_changed_the_credits(owner: Client, batch: Batch) -> None:
    ledger = text_of(owner).partition("Every change of your credits")[2]
    assert ledger.index("Settle batch_") < ledger.index("Reserve batch_")
    assert ledger.index("Reserve batch_") < ledger.index("Goodwill")
    assert "+$50.00" in ledger


def test_a_purpose_that_is_no_batch_is_no_link(owner: Client, org: Org) -> None:
    ReservationFactory.create(org=org, purpose="batch:elsewhere")
    body = owner.get("/billing").content.decode()
    assert "batch:elsewhere" in body
    assert 'href="/batches/elsewhere"' not in body


def test_the_ledger_goes_on_by_key(owner: Client, org: Org) -> None:
    for number in range(26):
        ReservationFactory.create(
            org=org, amount_nanousd=1_000 + number, purpose=f"batch:{number}"
        )
    found = re.search(
        r'href="(/billing\?before=ltx_[^"#]+)', owner.get("/billing").content.decode()
    )
    assert found is not None
    assert "Goodwill" in text_of(owner, found[1])
    assert "Goodwill" not in text_of(owner)
