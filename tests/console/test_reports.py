"""The page of the optimization report."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import Org
from batches.models import QualityDay, SettledDay, SettledWork, TriedPolicy
from batches.services.importing import create_import, keep_file, run_imports
from batchrouter.kit import clock
from tests.batches.imports.files import lines, message_line, response_line

REPORT = "/reports"
ATTACK = "<script>alert(1)</script>"


def text_of(client: Client, path: str = REPORT) -> str:
    reply = client.get(path)
    assert reply.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", reply.content.decode()).split())


def settled(org: Org, *, charge: int, days_ago: int = 1, key: str = "model:x") -> None:
    """Write the sums of one batch of ten items in two work units, one of them moved."""
    day = (clock.now() - timedelta(days=days_ago)).date()
    SettledDay.objects.create(
        org_id=org.pk,
        day=day,
        batches=1,
        items=10,
        charged_nanousd=charge,
        work_units=2,
        moved_units=1,
    )
    SettledWork.objects.create(
        org_id=org.pk,
        day=day,
        provider="openai",
        model="gpt-5.4-mini",
        mode="batch",
        operation="responses",
        workload_key=key,
        items=10,
        input_tokens=10_000,
        output_tokens=1_000,
        charge_nanousd=charge,
    )


def checked(
    org: Org, *, good: int, bad: int, weeks_ago: int = 0, name: str = ""
) -> None:
    QualityDay.objects.create(
        org_id=org.pk,
        offering_id=1,
        provider="openai",
        model="gpt-5.4-mini",
        operation="responses",
        workload_key="model:responses",
        day=clock.now().date() - timedelta(weeks=weeks_ago),
        source="verification",
        check_name=name,
        passed=good,
        failed=bad,
    )


def tried(org: Org, batches: int) -> None:
    """Write that hurried batches would have cost half with more time."""
    for number in range(batches):
        TriedPolicy.objects.create(
            org_id=org.pk,
            batch_id=number,
            day=clock.now().date(),
            workload_key="extract-invoice-fields:responses",
            policy="flex",
            items=50,
            before_nanousd=2_000_000_000,
            after_nanousd=1_000_000_000,
            moved_nanousd=0,
            quality_before=0.9,
            quality_after=0.88,
            seconds_before=600.0,
            seconds_after=7200.0,
            is_placed=True,
        )


def imported(org: Org, data: bytes, provider: str = "openai") -> None:
    now = clock.now()
    file = keep_file([data], org=org, filename="past", now=now)
    create_import(org, provider=provider, file_id=file.public_id, window=None, now=now)
    run_imports(budget_seconds=60, now=now)


def test_without_anything_it_says_what_to_do(owner: Client) -> None:
    body = owner.get(REPORT).content.decode()
    assert "There is nothing to report on yet" in body
    assert 'href="/batches/new"' in body
    assert 'href="/reports/imports"' in body


def test_savings_are_told_in_words(owner: Client, org: Org) -> None:
    # Ten items of the past in 10,000 tokens in and 1,000 out cost 0.6 cents.
    imported(org, lines([response_line(number) for number in range(10)]))
    settled(org, charge=4_500_000)

    text = text_of(owner)

    assert "You saved $0.0015 against OpenAI: 25.0 %." in text
    assert "come to $0.006; charged were $0.0045, fees included." in text
    assert "The same at imported prices" in text


def test_a_dearer_month_is_told_as_it_is(owner: Client, org: Org) -> None:
    imported(org, lines([response_line(1)]))
    settled(org, charge=9_000_000)

    assert "This work cost $0.003 more than at OpenAI: 50.0 %." in text_of(owner)


def test_without_an_import_savings_are_not_known(owner: Client, org: Org) -> None:
    settled(org, charge=4_500_000)

    text = text_of(owner)

    assert "What you saved is not known." in text
    assert "No past OpenAI jobs were imported" in text
    assert "Charged $0.0045" in text


def test_another_provider_can_be_compared_with(owner: Client, org: Org) -> None:
    imported(org, lines([message_line(1)]), "anthropic")

    text = text_of(owner, f"{REPORT}?import_provider=anthropic")

    assert "against all past Anthropic jobs" in text
    assert "What you saved is not known yet." in text


@pytest.mark.parametrize(("days", "is_in"), [("30", False), ("90", True)])
def test_the_period_is_chosen(days: str, is_in: bool, owner: Client, org: Org) -> None:
    settled(org, charge=4_500_000, days_ago=40)
    assert ("Charged $0.0045" in text_of(owner, f"{REPORT}?days={days}")) is is_in


@pytest.mark.parametrize(
    "query", ["days=31", "days=x", "import_provider=acme", "days=&import_provider="]
)
def test_a_filter_that_is_none_is_left_out(query: str, owner: Client) -> None:
    page = owner.get(f"{REPORT}?{query}")
    assert (page.context["days"], page.context["import_provider"]) == (30, "openai")


def test_fallbacks_and_failures_are_counted(owner: Client, org: Org) -> None:
    settled(org, charge=1)
    checked(org, good=90, bad=10)
    checked(org, good=90, bad=10, name="json_schema")

    text = text_of(owner)

    assert "1 of 2 work units left their first lane: 50.0 %." in text
    assert "10 answers failed a check: 10.0 %." in text
    assert "Most failed json_schema" in text
    assert "gpt-5.4-mini at openai 90.0 % (82.6 % to 94.5 %)" in text


def test_a_provider_that_got_worse_is_named(owner: Client, org: Org) -> None:
    settled(org, charge=1)
    checked(org, good=990, bad=10, weeks_ago=1)
    checked(org, good=900, bad=100)

    assert "The answers of openai got worse by 9.0 points." in text_of(owner)


def test_the_recommended_change_can_be_read_and_applied(
    owner: Client, org: Org
) -> None:
    settled(org, charge=24_000_000_000)
    tried(org, 12)

    body = owner.get(REPORT).content.decode()
    text = " ".join(re.sub(r"<[^>]+>", " ", body).split())

    assert "give it 48 hours (sla_tier flex)" in text
    assert "Predicted saving 50.0 %" in text
    assert "12 settled batches with 600 items of this kind" in text
    assert "were charged $24.00; they would have been charged $12.00" in text
    assert "from 90.0 % to 88.0 %" in text
    assert "from 10 min to 2 h" in text
    assert "&quot;sla_tier&quot;: &quot;flex&quot;" in body
    assert 'href="/batches/new?sla_tier=flex&amp;workflow=extract-invoice-fields"' in (
        body
    )


def test_too_few_batches_recommend_nothing(owner: Client, org: Org) -> None:
    settled(org, charge=1)
    tried(org, 3)

    assert "Not enough data yet: 3 settled batches" in text_of(owner)


def test_it_downloads_as_the_api_tells_it(owner: Client, org: Org) -> None:
    settled(org, charge=4_500_000)
    body = owner.get(f"{REPORT}?days=7").content.decode()
    found = re.search(r'href="([^"]+)"\s+download="optimization-report.json"', body)
    assert found is not None

    told: Any = owner.get(found[1].replace("&amp;", "&")).json()

    assert told["optimization_report"]["optimized_cost_trend"][0]["cost"] == "0.0045"


def test_names_of_work_are_text(owner: Client, org: Org) -> None:
    settled(org, charge=1, key=f"{ATTACK}:responses")

    body = owner.get(REPORT).content.decode()

    assert ATTACK not in body
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in body


def test_it_is_of_the_own_organization(stranger: Client, org: Org) -> None:
    imported(org, lines([response_line(1)]))
    settled(org, charge=4_500_000)

    assert "There is nothing to report on yet" in text_of(stranger)


def test_it_asks_twelve_queries_and_is_light(
    owner: Client, org: Org, django_assert_max_num_queries: Any
) -> None:
    imported(org, lines([response_line(number) for number in range(20)]))
    for number in range(85):
        settled(org, charge=4_500_000, days_ago=number, key=f"task-{number:016}:x")
    for number in range(8):
        checked(org, good=90, bad=10, weeks_ago=number)
    tried(org, 12)
    owner.get(REPORT)

    with django_assert_max_num_queries(12):
        reply = owner.get(f"{REPORT}?days=90")

    assert len(reply.content) < 100 * 1024
