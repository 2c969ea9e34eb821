"""The billing page."""

import csv
import re
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from accounts.models import Org
from batches.models import Batch
from billing import selectors
from billing.models import LedgerTransaction
from console.forms.billing import LEDGER_KINDS
from tests.console.made import running_batch
from tests.factories.billing import ReservationFactory

LEDGER = "/billing/ledger"


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
    body = owner.get("/billing/reservations").content.decode()
    assert f'href="/batches/{batch.public_id}"' in body
    assert "settled" in text_of(owner, "/billing/reservations")
    assert 'title="0.00004236 USD"' in body


def test_the_ledger_lists_what_changed_the_credits(owner: Client, batch: Batch) -> None:
    ledger = text_of(owner, LEDGER).partition("Transaction")[2]
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
    assert "Goodwill" in text_of(owner, next_page(owner, LEDGER))
    assert "Goodwill" not in text_of(owner, LEDGER)


def test_the_next_page_keeps_the_filter(owner: Client, org: Org) -> None:
    for number in range(26):
        ReservationFactory.create(
            org=org, amount_nanousd=1_000, reason=f"Reason {number}."
        )
    path = next_page(owner, f"{LEDGER}?kind=held")
    assert path.startswith(f"{LEDGER}?kind=held&before=ltx_")
    assert "Reason 0." in text_of(owner, path)
    assert "Goodwill" not in text_of(owner, path)


def test_the_ledger_is_filtered_by_kind(owner: Client, batch: Batch) -> None:
    text = text_of(owner, f"{LEDGER}?kind=charged").partition("Transaction")[2]
    assert "Settle batch_" in text
    assert "Reserve batch_" not in text
    assert "Goodwill" not in text


def test_the_ledger_is_filtered_by_day(owner: Client, batch: Batch) -> None:
    today = LedgerTransaction.objects.latest("id").created_at.date()
    yesterday = today - timedelta(days=1)
    inside = f"{LEDGER}?since={yesterday}&until={today + timedelta(days=1)}"
    assert "Goodwill" in text_of(owner, inside)
    before = f"{LEDGER}?until={yesterday}"
    assert "There is no such entry." in text_of(owner, before)
    assert "There is no such entry." in text_of(owner, f"{LEDGER}?since=9999-12-31")


def test_the_ledger_is_filtered_by_batch(owner: Client, org: Org, batch: Batch) -> None:
    other = running_batch(org, items=1, answers=[])
    body = owner.get(f"{LEDGER}?batch={batch.public_id}").content.decode()
    assert body.count(f'href="/batches/{batch.public_id}"') == 2
    assert other.public_id not in body
    assert "Goodwill" not in body


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("batch=batch_1", "batch"),
        ("since=today", "since"),
        ("until=2026-02-30", "until"),
        ("kind=x", "kind"),
    ],
    ids=["short-id", "no-day", "no-such-day", "no-kind"],
)
def test_a_filter_that_makes_no_sense_says_so(
    query: str, field: str, owner: Client
) -> None:
    reply = owner.get(f"{LEDGER}?{query}")
    assert reply.status_code == 400
    assert f'id="id_{field}_error"' in reply.content.decode()
    assert owner.get(f"{LEDGER}.csv?{query}").status_code == 404


def test_every_kind_of_the_ledger_has_its_filter() -> None:
    sources = Path(selectors.__file__).parent.glob("*.py")
    text = "".join(source.read_text() for source in sources)
    named = set(re.findall(r'kind="([a-z_]+)"', text))
    ours = {"cogs", "cogs_ambiguous", "true_up", "suspense", "credits_low"}
    covered = {kind for kinds in LEDGER_KINDS.values() for kind in kinds}
    assert named - ours <= covered


def test_what_is_shown_can_be_downloaded(owner: Client, batch: Batch) -> None:
    body = owner.get(f"{LEDGER}?kind=charged").content.decode()
    assert f'href="{LEDGER}.csv?kind=charged"' in body
    assert csv_of(owner, "kind=charged") == [
        [
            "settle",
            f"batch:{batch.public_id}",
            "0.000040000",
            "0.000002360",
        ]
    ]
    assert [row[0] for row in csv_of(owner, "")] == ["goodwill", "reserve", "settle"]


def test_a_file_has_nothing_of_others(stranger: Client, batch: Batch) -> None:
    assert csv_of(stranger, f"batch={batch.public_id}") == []
    assert [row[0] for row in csv_of(stranger, "")] == ["goodwill"]


def test_a_formula_in_a_purpose_is_defused(owner: Client, org: Org) -> None:
    ReservationFactory.create(org=org, purpose="=cmd|' /C calc'!A0")
    assert csv_of(owner, "kind=held")[0][1] == "'=cmd|' /C calc'!A0"


def test_reservations_say_how_long_they_were_held(
    owner: Client, org: Org, batch: Batch
) -> None:
    open_one = ReservationFactory.create(org=org)
    held = text_of(owner, "/billing/reservations?state=open")
    assert open_one.purpose.removeprefix("batch:") in held
    assert "its batch ends, due 23 Nov 2026, 12:00" in held
    assert batch.public_id not in held
    settled = text_of(owner, "/billing/reservations?state=closed")
    assert batch.public_id in settled
    assert open_one.purpose.removeprefix("batch:") not in settled


def test_only_what_is_held_now_is_on_the_overview(
    owner: Client, org: Org, batch: Batch
) -> None:
    ReservationFactory.create_batch(11, org=org, amount_nanousd=1_000)
    text = text_of(owner).partition("Held now")[2].partition("Top-ups")[0]
    assert batch.public_id not in text
    assert text.count("A quote") + text.count("The quoted total of a batch.") == 10
    assert "There are more, older ones." in text


@pytest.mark.parametrize("path", ["/billing", LEDGER, "/billing/reservations"])
def test_pages_of_billing_ask_few_questions(
    path: str,
    owner: Client,
    org: Org,
    batch: Batch,
    django_assert_max_num_queries: Any,
) -> None:
    ReservationFactory.create_batch(26, org=org, amount_nanousd=1_000)
    owner.get(path)
    with django_assert_max_num_queries(12):
        owner.get(path)


def next_page(client: Client, path: str) -> str:
    found = re.search(r'rel="next" href="([^"#]+)', client.get(path).content.decode())
    assert found is not None
    return unescape(found[1])


def csv_of(client: Client, query: str) -> list[list[str]]:
    """Return kind, purpose, usage and fee of the entries in the file."""
    reply: Any = client.get(f"{LEDGER}.csv?{query}")
    assert reply["Content-Disposition"] == 'attachment; filename="ledger.csv"'
    text = b"".join(reply.streaming_content).decode()
    head, *rows = csv.reader(text.splitlines())
    assert head[-1] == "service_fee_charged_usd"
    return [[row[2], row[3], row[7], row[8]] for row in rows]
