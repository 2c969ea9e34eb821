"""Rankings show settled work, and never a customer."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from catalog.demand import Ranking, Settled, fold, ranking
from catalog.models import SettledDemand

TODAY = date(2026, 11, 22)

pytestmark = pytest.mark.django_db


def settle(
    slug: str,
    *,
    orgs: int | range,
    items: int = 100,
    day: date = TODAY,
    provider: str = "openai",
    operation: str = "responses",
    kind: str = "model",
) -> None:
    """Fold the same work for each of some orgs."""
    for org_id in range(1, orgs + 1) if isinstance(orgs, int) else orgs:
        fold(
            Settled(
                day=day,
                kind=kind,
                slug=slug,
                provider=provider,
                operation=operation,
                org_id=org_id,
                items=items,
                tokens=items * 10,
                batches=1,
            )
        )


def rank(window: str = "30d", **filters: str) -> Ranking:
    return ranking(kind="model", window=window, today=TODAY, **filters)


def test_folding_adds_to_the_day() -> None:
    settle("gpt-5.4", orgs=1, items=100)
    settle("gpt-5.4", orgs=1, items=23)

    row = SettledDemand.objects.get()
    assert (row.items, row.tokens, row.batches) == (123, 1230, 2)


def test_models_are_ranked_by_items_with_their_share() -> None:
    settle("small", orgs=3, items=100)
    settle("big", orgs=3, items=300)

    assert [(row.slug, row.items, row.share) for row in rank().rows] == [
        ("big", 900, Decimal("0.7500")),
        ("small", 300, Decimal("0.2500")),
    ]


def test_two_orgs_are_folded_into_other() -> None:
    settle("public", orgs=5)
    settle("rare", orgs=2)
    settle("rarer", orgs=range(3, 4))

    found = rank()

    assert [row.slug for row in found.rows] == ["public"]
    assert found.other is not None
    assert (found.other.items, found.other.share) == (300, Decimal("0.3750"))


def test_other_takes_the_smallest_row_when_it_has_too_few_orgs_itself() -> None:
    settle("big", orgs=3, items=500)
    settle("small", orgs=3, items=100)
    settle("rare", orgs=1, items=7)

    found = rank()

    assert [row.slug for row in found.rows] == ["big"]
    assert found.other is not None
    assert found.other.items == 307


def test_nothing_is_shown_of_two_orgs_alone() -> None:
    settle("rare", orgs=2)

    found = rank()

    assert (found.rows, found.other) == ([], None)


def test_the_same_org_by_two_providers_counts_once() -> None:
    settle("rare", orgs=2, provider="openai")
    settle("rare", orgs=2, provider="groq")

    assert rank().rows == []


def test_the_window_holds_its_days_and_no_more() -> None:
    settle("in", orgs=3, day=TODAY - timedelta(days=6))
    settle("out", orgs=3, day=TODAY - timedelta(days=7))

    found = rank("7d")

    assert [row.slug for row in found.rows] == ["in"]
    assert (found.start, found.end) == (date(2026, 11, 16), TODAY)


def test_change_is_against_the_window_before() -> None:
    settle("gpt-5.4", orgs=3, items=125)
    settle("gpt-5.4", orgs=3, items=100, day=TODAY - timedelta(days=7))

    (row,) = rank("7d").rows

    assert row.change == Decimal("0.2500")


def test_change_is_not_told_where_too_few_orgs_stood_before() -> None:
    settle("gpt-5.4", orgs=3)
    settle("gpt-5.4", orgs=2, day=TODAY - timedelta(days=7))

    (row,) = rank("7d").rows

    assert row.change is None


def test_filters_narrow_the_work() -> None:
    settle("gpt-5.4", orgs=3, provider="openai")
    settle("gpt-oss", orgs=3, provider="groq")
    settle("embed", orgs=3, provider="openai", operation="embeddings")

    assert [r.slug for r in rank(provider="groq").rows] == ["gpt-oss"]
    assert [r.slug for r in rank(operation="embeddings").rows] == ["embed"]


def test_workflows_and_models_are_ranked_apart() -> None:
    settle("gpt-5.4", orgs=3)
    settle("summarize-calls", orgs=3, kind="workflow")

    found = ranking(kind="workflow", window="30d", today=TODAY)

    assert [row.slug for row in found.rows] == ["summarize-calls"]
