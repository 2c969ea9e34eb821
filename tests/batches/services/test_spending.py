"""Spending by day, and what of it was saved."""

from datetime import timedelta

from batches.services.spending import spending_of
from batchrouter.kit.money import format_usd
from tests.batches.conftest import Customer
from tests.batches.imports.files import lines, message_line, response_line
from tests.batches.services.test_reporting import (
    NOW,
    as_counted,
    import_jobs,
    report,
)
from tests.batches.services.test_rolling_up import NOON
from tests.factories.batches import make_batch, make_items
from tests.factories.settled import settle


def test_days_follow_each_other_without_a_gap(owner: Customer) -> None:
    found = spending_of(owner.org, days=30, now=NOW)

    assert [day.day for day in found.days] == [
        NOW.date() - timedelta(days=ago) for ago in range(29, -1, -1)
    ]
    assert (found.provider, found.saved_nanousd) == (None, 0)
    assert not found.has_compared


def test_a_day_has_what_its_batches_were_charged(
    owner: Customer, stranger: Customer
) -> None:
    first = settle(make_batch(owner.org, make_items(4)), as_counted, at=NOON)
    second = settle(make_batch(owner.org), as_counted, at=NOON)

    (day,) = [day for day in spending_of(owner.org, days=30, now=NOW).days if day.items]

    assert (day.day, day.batches, day.items) == (NOON.date(), 2, 5)
    assert day.charged_nanousd == first + second
    assert not any(
        day.items for day in spending_of(stranger.org, days=30, now=NOW).days
    )


def test_what_was_saved_is_what_the_report_says(owner: Customer) -> None:
    import_jobs(owner, lines([response_line(1), response_line(2)]))
    for ago in range(3):
        at = NOON - timedelta(days=ago)
        settle(make_batch(owner.org, make_items(4)), as_counted, at=at)

    found = spending_of(owner.org, days=30, now=NOW)

    told = report(owner)["savings_realized"]
    assert (found.provider, found.has_compared) == ("openai", True)
    assert format_usd(found.saved_nanousd) == told["amount"]


def test_the_dearest_past_jobs_are_compared_with(owner: Customer) -> None:
    import_jobs(owner, lines([response_line(1)]))
    import_jobs(owner, lines([message_line(1)]), "anthropic")

    found = spending_of(owner.org, days=30, now=NOW)

    assert found.provider == "anthropic"
    assert not found.has_compared
