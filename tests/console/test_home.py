"""The first page."""

import re
from copy import copy
from datetime import date, timedelta
from html import unescape
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from accounts.models import ApiKey, Membership, Org, Role
from batches.models import (
    Batch,
    DisabledReason,
    ImportedDay,
    ItemVerdict,
    QualityDay,
    QualityFeedback,
    Quote,
    ResultRow,
    SettledDay,
    Verdict,
    WebhookEndpoint,
)
from batches.models.batch import new_batch_id
from batches.models.quote import new_quote_id
from batches.services.delivery import set_default
from batches.states import BatchState, RowStatus
from batchrouter.kit import clock
from billing import chart
from billing.ledger import credit, debit, post
from catalog.models import Offering
from routing.models import OfferingDrift
from tests.console.made import browser_of, finished_batch, running_batch
from tests.console.mail import NASTY, is_inert
from tests.console.test_billing import text_of
from tests.factories.accounts import ApiKeyFactory, InvitationFactory, make_key
from tests.factories.batches import make_quote
from tests.factories.billing import ReservationFactory
from tests.factories.imports import ImportFactory
from tests.factories.orders import StoredFileFactory


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
    assert "Your first batch" in body
    assert body.index('href="/account/keys">Create an API key') < body.index("curl")
    assert "curl -sS https://batchrouter.example/v1/batches" in body


def test_the_first_steps_tick_themselves(owner: Client, org: Org) -> None:
    assert ticks(owner) == {
        "Confirm your address": "done",
        "Get credits": "done",
        "Make a key, or try it here": "to do",
        "Send your first batch": "to do",
        "Hear when it ends": "if you like",
        "Invite somebody": "if you like",
    }
    make_key(org)
    assert ticks(owner)["Make a key, or try it here"] == "done"
    running_batch(org, items=1, answers=[])
    assert ticks(owner) == {
        "Hear when it ends": "if you like",
        "Invite somebody": "if you like",
    }
    set_default(org, url="https://hooks.example.com/", secret=None, now=clock.now())
    assert list(ticks(owner)) == ["Invite somebody"]
    InvitationFactory.create(org=org)
    assert ticks(owner) == {}


def test_a_batch_from_the_browser_wants_no_key(owner: Client, batch: Batch) -> None:
    assert "Make a key, or try it here" not in ticks(owner)


def test_whoever_ran_several_batches_is_told_nothing_more(
    owner: Client, org: Org
) -> None:
    for number in range(5):
        assert ticks(owner) != {}
        finished_batch(org, f"answer {number}")
    assert ticks(owner) == {}


def test_the_balance_is_shown(owner: Client) -> None:
    assert "$50.00" in owner.get("/").content.decode()


def test_running_and_ended_batches_are_apart(
    owner: Client, org: Org, batch: Batch
) -> None:
    running = running_batch(org, items=4, answers=["one"])
    body = owner.get("/").content.decode()
    links = [f'href="/batches/{one.public_id}"' for one in (running, batch)]
    assert body.index("Running now") < body.index(links[0])
    assert body.index(links[0]) < body.index("Recently ended") < body.index(links[1])
    assert "Your first batch" not in body
    assert '<progress max="4" value="1"' in body


def test_what_runs_is_asked_for_until_it_changes(owner: Client, org: Org) -> None:
    assert "hx-get" not in owner.get("/").content.decode()
    running_batch(org, items=2, answers=[])
    path = polled(owner)
    same = owner.get(path)
    assert "HX-Refresh" not in same
    assert f'hx-get="{path}"' in same.content.decode()
    running_batch(org, items=2, answers=[])
    assert owner.get(path)["HX-Refresh"] == "true"


def test_once_nothing_runs_the_whole_page_is_asked_for(owner: Client, org: Org) -> None:
    running = running_batch(org, items=1, answers=["one"])
    path = polled(owner)
    Batch.objects.filter(pk=running.pk).update(
        state=BatchState.CANCELED, completed_at=clock.now()
    )
    assert owner.get(path)["HX-Refresh"] == "true"
    assert "hx-get" not in owner.get("/").content.decode()


def test_batches_that_run_are_nobody_elses(
    owner: Client, org: Org, stranger: Client
) -> None:
    running = running_batch(org, items=1, answers=[])
    assert running.public_id not in stranger.get(polled(owner)).content.decode()


def test_nothing_asks_for_somebody_where_all_is_well(
    owner: Client, batch: Batch
) -> None:
    assert set(attention(owner)) == {"A password alone opens your account."}


def test_a_batch_that_stands_still_asks_for_somebody(owner: Client, org: Org) -> None:
    running = running_batch(org, items=2, answers=[])
    assert f"{running.public_id} stands still." not in attention(owner)
    Batch.objects.update(state_at=clock.now() - timedelta(minutes=6))
    found = attention(owner)[f"{running.public_id} stands still."]
    assert found == f"/batches/{running.public_id}"
    assert "stands still" in owner.get(polled(owner)).content.decode()


def test_rows_without_an_answer_ask_until_they_are_retried(
    owner: Client, org: Org, batch: Batch
) -> None:
    counts = {**(batch.result_counts or {}), "failed": 1, "expired": 1}
    Batch.objects.filter(pk=batch.pk).update(result_counts=counts)
    text = f"2 of 2 rows of {batch.public_id} have no answer."
    assert attention(owner)[text] == f"/batches/{batch.public_id}#next-title"
    assert "1 failed, 1 came too late." in text_of(owner, "/")
    retry = running_batch(org, items=1, answers=[])
    Batch.objects.filter(pk=retry.pk).update(parent=batch)
    assert text not in attention(owner)


def test_answers_to_review_ask_until_they_are_judged(
    owner: Client, batch: Batch
) -> None:
    review = StoredFileFactory.create(org=batch.org, line_count=2)
    Batch.objects.filter(pk=batch.pk).update(review_file=review)
    ResultRow.objects.filter(batch_id=batch.pk).update(status=RowStatus.REVIEW)
    text = f"2 answers of {batch.public_id} to look at."
    assert attention(owner)[text] == f"/batches/{batch.public_id}/review"
    feedback = QualityFeedback.objects.create(batch=batch)
    judge(feedback, seq=0)
    assert f"1 answer of {batch.public_id} to look at." in attention(owner)
    judge(feedback, seq=1)
    assert not [text for text in attention(owner) if "to look at" in text]


def test_batches_in_trouble_beyond_the_first_are_told_together(
    owner: Client, org: Org
) -> None:
    for _ in range(6):
        finished_batch(org, "answer")
    Batch.objects.update(
        result_counts={"total": 1, "completed": 0, "failed": 1, "expired": 0}
    )
    found = [text for text in attention(owner) if "have no answer" in text]
    assert len(found) == 3
    assert (
        attention(owner)["More batches left rows to retry or to review."] == "/batches"
    )


def test_trouble_of_old_and_deleted_batches_is_left_alone(
    owner: Client, batch: Batch
) -> None:
    counts = {**(batch.result_counts or {}), "failed": 1}
    text = f"1 of 2 rows of {batch.public_id} have no answer."
    Batch.objects.update(result_counts=counts, content_deleted_at=clock.now())
    assert text not in attention(owner)
    long_ago = clock.now() - timedelta(days=31)
    Batch.objects.update(content_deleted_at=None, completed_at=long_ago)
    assert text not in attention(owner)


def test_a_webhook_in_trouble_asks_for_somebody(owner: Client, org: Org) -> None:
    set_default(org, url="https://hooks.example.com/", secret=None, now=clock.now())
    failing = "Your webhook does not take what is sent."
    assert failing not in attention(owner)
    WebhookEndpoint.objects.update(failures=3, failing_since=clock.now())
    assert attention(owner)[failing] == "/account/webhooks?state=pending"
    assert "3 tries failed in a row." in text_of(owner, "/")
    WebhookEndpoint.objects.update(
        disabled_at=clock.now(), disabled_reason=DisabledReason.FAILING
    )
    assert attention(owner)["Your webhook is switched off."] == "/account/webhooks"
    assert failing not in attention(owner)
    WebhookEndpoint.objects.update(is_default=False)
    one = "1 address that batches named took nothing any more."
    assert attention(owner)[one] == "/account/webhooks"


def test_what_is_owed_comes_first(owner: Client, org: Org) -> None:
    ReservationFactory.create(org=org, amount_nanousd=45_000_000_000)
    post(
        kind="adjustment",
        key="test:owed",
        org=org,
        actor="operator:test",
        entries=[
            debit(chart.RECEIVABLE, 2_000_000_000),
            credit(chart.EXPENSE_DISPUTE_LOSS, 2_000_000_000),
        ],
    )
    assert list(attention(owner).items())[:2] == [
        ("$2.00 are owed for a reversed payment.", "/billing#buy"),
        ("Your credits are low.", "/billing#buy"),
    ]


def test_a_lane_that_drifts_is_told_to_whom_it_serves(
    owner: Client, org: Org, stranger: Client
) -> None:
    offering = Offering.objects.get(
        provider__key="deepseek", model__slug="deepseek-flash", mode="direct"
    )
    drift(offering)
    text = "deepseek-flash at deepseek answers worse than it used to."
    assert text not in attention(owner)
    answered(org, offering, days_ago=40)
    assert text not in attention(owner)
    answered(org, offering, days_ago=1)
    assert attention(owner)[text] == "/catalog/models/deepseek-flash"
    assert text not in attention(stranger)


def test_a_quote_that_can_be_submitted_is_remembered(owner: Client, org: Org) -> None:
    quote = make_quote(org)
    found = {text: url for text, url in attention(owner).items() if "quote of" in text}
    assert list(found.values()) == [f"/batches/new/{quote.public_id}"]
    (text,) = found
    assert text.endswith("waits for your word.")
    Quote.objects.update(valid_until=clock.now())
    assert text not in attention(owner)


def test_a_key_that_ends_within_a_week_is_told(owner: Client, org: Org) -> None:
    now = clock.now()
    key = ApiKeyFactory.create(org=org, name="nightly")
    text = "The key “nightly” ends soon."
    ApiKey.objects.filter(pk=key.pk).update(expires_at=now + timedelta(days=8))
    assert text not in attention(owner)
    ApiKey.objects.filter(pk=key.pk).update(expires_at=now + timedelta(days=6))
    assert attention(owner)[text] == "/account/keys"
    # One that was rotated is meant to end.
    successor = ApiKeyFactory.create(org=org)
    ApiKey.objects.filter(pk=successor.pk).update(replaces=key)
    assert text not in attention(owner)


def test_owners_without_a_second_factor_are_told_of(owner: Client, org: Org) -> None:
    bare = "A password alone opens your account."
    assert bare not in attention(owner)
    running_batch(org, items=1, answers=[])
    assert attention(owner)[bare] == "/account/two-factor"
    admin = browser_of(org, Role.ADMIN)
    others = "1 owner logs in with a password alone."
    assert attention(admin)[others] == "/account/members"
    user = Membership.objects.get(org=org, role=Role.OWNER).user
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={})
    assert bare not in attention(owner)
    assert others not in attention(admin)


def test_spending_is_drawn_by_day(owner: Client, org: Org, batch: Batch) -> None:
    SettledDay.objects.update(charged_nanousd=3_210_000_000)
    body = owner.get("/").content.decode()
    day = SettledDay.objects.get().day
    assert f"{day.day} {day:%b}: Charged $3.21" in body
    assert "1 batch settled with 2 answers in 30 days" in " ".join(body.split())
    assert "What do you save?" in body
    assert 'href="/reports/imports">Import past jobs' in body
    assert 'href="/reports">What could be saved' in body


def test_savings_are_drawn_where_past_jobs_compare(
    owner: Client, org: Org, batch: Batch
) -> None:
    past = ImportFactory.create(org=org)
    ImportedDay.objects.create(
        imported=past,
        day=date(2026, 10, 5),
        model="gpt-5.4-mini",
        mode="direct",
        operation="responses",
        items=1,
        input_tokens=1000,
        output_tokens=100,
        input_numerator=1000 * 10**12,
        output_numerator=100 * 10**12,
        cost_nanousd=10**9,
    )
    body = owner.get("/").content.decode()
    assert "As you did it at openai" in body
    assert "Saved in 30 days" in body
    assert "What do you save?" not in body


@pytest.mark.parametrize("name", NASTY.values(), ids=NASTY)
def test_names_are_inert(name: str, owner: Client, org: Org) -> None:
    Org.objects.update(name=name)
    key = ApiKeyFactory.create(org=org)
    soon = clock.now() + timedelta(days=1)
    ApiKey.objects.filter(pk=key.pk).update(name=name, expires_at=soon)
    body = owner.get("/").content.decode()
    assert "ends soon" in body
    assert is_inert(body, name)


def test_a_thousand_batches_cost_as_few_questions_as_one(
    owner: Client, org: Org, batch: Batch, django_assert_max_num_queries: Any
) -> None:
    batches_like(batch, 1_000)
    running_batch(org, items=3, answers=["one"])
    ImportFactory.create(org=org)
    owner.get("/")
    with django_assert_max_num_queries(12):
        reply = owner.get("/")
    assert len(reply.content) < 100 * 1024
    path = polled(owner)
    with django_assert_max_num_queries(5):
        owner.get(path)


def ticks(client: Client) -> dict[str, str]:
    """Return the first steps and how each is marked."""
    body = client.get("/").content.decode()
    found = re.search(r'<section[^>]*aria-labelledby="first-title".*?</ol>', body, re.S)
    if found is None:
        return {}
    marked = re.findall(
        r'<span class="badge[^>]*>([^<]+)</span>\s*<strong>([^<]+)</strong>', found[0]
    )
    return {title: mark for mark, title in marked}


def attention(client: Client) -> dict[str, str]:
    """Return what asks for somebody, with the link that mends it, in order."""
    body = client.get("/").content.decode()
    found = re.findall(
        r'<a class="button button-quiet button-small"\s+href="([^"]+)">[^<]+'
        r'<span class="visually-hidden">: ([^<]+)</span>',
        body,
    )
    return {unescape(text): unescape(url) for url, text in found}


def polled(client: Client) -> str:
    """Return the address that the part that moves asks for."""
    found = re.search(r'hx-get="([^"]+)"', client.get("/").content.decode())
    assert found is not None
    return unescape(found[1])


def judge(feedback: QualityFeedback, *, seq: int) -> None:
    ItemVerdict.objects.create(
        feedback=feedback,
        batch_id=feedback.batch_id,
        seq=seq,
        verdict=Verdict.ACCEPTED,
    )


def drift(offering: Offering) -> None:
    now = clock.now()
    OfferingDrift.objects.create(
        offering=offering,
        source="verification",
        since=now.date(),
        detected_at=now,
        failing_before=0.02,
        failing_now=0.2,
        answers=600,
    )


def answered(org: Org, offering: Offering, *, days_ago: int) -> None:
    QualityDay.objects.create(
        org_id=org.pk,
        offering_id=offering.pk,
        provider=offering.provider.key,
        model=offering.model.slug,
        operation="responses",
        workload_key="model:responses",
        day=(clock.now() - timedelta(days=days_ago)).date(),
        source="verification",
        check_name="",
        passed=1,
    )


def batches_like(batch: Batch, count: int) -> None:
    """Make ended batches like one, and a settled day for each of the last hundred."""
    quotes = [copy(batch.quote) for _ in range(count)]
    for quote in quotes:
        quote.pk, quote.public_id = None, new_quote_id()
    batches = [copy(batch) for _ in Quote.objects.bulk_create(quotes)]
    for each, quote in zip(batches, quotes, strict=True):
        each.pk, each.public_id, each.quote = None, new_batch_id(), quote
    Batch.objects.bulk_create(batches)
    today = clock.now().date()
    SettledDay.objects.bulk_create(
        SettledDay(org_id=batch.org_id, day=today - timedelta(days=ago), batches=10)
        for ago in range(1, 100)
    )
