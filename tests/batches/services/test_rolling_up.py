"""The sums that a settled batch leaves to the report."""

from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from batches.models import Batch, Execution, Quote, SettledDay, SettledWork, TriedPolicy
from batches.services.rolling_up import roll_up_missing
from routing.contracts import Usage
from tests.batches.conftest import Customer
from tests.factories.batches import make_batch, make_item, make_items, run_batch
from tests.factories.settled import Asked, settle

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def hundred(_asked: Asked) -> Usage:
    return Usage(100, 40, 50, 10)


def works() -> list[tuple[Any, ...]]:
    return list(
        SettledWork.objects.order_by("model", "mode").values_list(
            "provider", "model", "mode", "operation", "items", "input_tokens"
        )
    )


@pytest.mark.usefixtures("simulator")
def test_a_settled_batch_is_in_the_sums_exactly_as_its_rows(owner: Customer) -> None:
    items = [*make_items(3, model="deepseek-flash"), make_item(9)]

    batch = run_batch(make_batch(owner.org, items))

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), sum(input_tokens), sum(cached_tokens), "
            "sum(output_tokens), sum(charge_nanousd) FROM batches_resultrow "
            "WHERE batch_id = %s",
            [batch.pk],
        )
        counted = tuple(map(int, cursor.fetchone()))
    sums = SettledWork.objects.values_list(
        "items", "input_tokens", "cached_tokens", "output_tokens", "charge_nanousd"
    )
    assert tuple(map(sum, zip(*sums, strict=True))) == counted
    assert [row[:5] for row in works()] == [
        ("deepseek", "deepseek-flash", "direct", "responses", 3),
        ("openai", "gpt-5.4-mini", "batch", "responses", 1),
    ]
    day = SettledDay.objects.get(org_id=owner.org.pk)
    assert (day.batches, day.items, day.work_units, day.moved_units) == (1, 4, 2, 0)
    assert day.charged_nanousd == batch.charged_nanousd
    costs = Execution.objects.filter(batch=batch).values_list("cost_nanousd", flat=True)
    assert (len(costs), day.cost_nanousd) == (2, sum(costs))
    assert roll_up_missing() == 0


@pytest.mark.usefixtures("simulator")
def test_test_keys_count_nowhere(owner: Customer) -> None:
    run_batch(make_batch(owner.org, make_items(2), is_test=True))

    assert not SettledDay.objects.exists()
    assert not SettledWork.objects.exists()
    assert not TriedPolicy.objects.exists()


def test_batches_of_a_day_add_up(owner: Customer) -> None:
    charged = sum(
        settle(make_batch(owner.org, make_items(2)), hundred, at=NOON) for _ in range(3)
    )

    day = SettledDay.objects.get()
    assert (day.day, day.batches, day.items) == (NOON.date(), 3, 6)
    assert day.charged_nanousd == charged
    assert works() == [("openai", "gpt-5.4-mini", "batch", "responses", 6, 600)]


def test_a_hurried_batch_is_tried_with_more_time(owner: Customer) -> None:
    batch = make_batch(owner.org, make_items(2), sla_tier="priority")

    charged = settle(batch, hundred, at=NOON)

    found = {row.policy: row for row in TriedPolicy.objects.all()}
    assert set(found) == {
        "standard",
        "flex",
        "cheapest",
        "cheapest+standard",
        "cheapest+flex",
    }
    waited = found["standard"]
    assert waited.batch_id == batch.pk
    assert (waited.workload_key, waited.items) == ("model:responses", 2)
    assert waited.before_nanousd == charged
    assert waited.after_nanousd == pytest.approx(charged / 2, abs=5)
    assert waited.moved_nanousd == 0
    assert waited.seconds_after > waited.seconds_before
    assert waited.is_placed


def test_a_patient_batch_is_tried_by_price_only(owner: Customer) -> None:
    settle(make_batch(owner.org, sla_tier="flex"), hundred, at=NOON)

    assert set(TriedPolicy.objects.values_list("policy", flat=True)) == {"cheapest"}


def test_privacy_and_regions_are_never_loosened(owner: Customer) -> None:
    batch = make_batch(owner.org, routing_mode="privacy_constrained", sla_tier="flex")

    settle(batch, hundred, at=NOON)

    assert not TriedPolicy.objects.exists()


def test_a_decision_that_cannot_be_read_does_not_stop_the_sums(
    owner: Customer,
) -> None:
    batch = make_batch(owner.org)
    Quote.objects.filter(pk=batch.quote_id).update(route_version_id="rv_gone")

    settle(batch, hundred, at=NOON)

    assert SettledDay.objects.get().items == 1
    assert not TriedPolicy.objects.exists()


def test_batches_of_before_are_added_once(owner: Customer) -> None:
    batch = make_batch(owner.org)
    settle(batch, hundred, at=NOON)
    Batch.objects.filter(pk=batch.pk).update(is_rolled_up=False)
    SettledDay.objects.all().delete()
    TriedPolicy.objects.all().delete()
    out = StringIO()

    call_command("roll_up_batches", stdout=out)
    call_command("roll_up_batches", stdout=out)

    assert out.getvalue().splitlines() == [
        "1 batches were added",
        "0 batches were added",
    ]
    assert SettledDay.objects.get().batches == 1
