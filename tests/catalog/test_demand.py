"""Rankings show settled work, and never a customer."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.demand import (
    WINDOW_DAYS,
    Ranking,
    RankingRow,
    Settled,
    fold,
    ranking,
)
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
        work = Settled(kind, slug, provider, operation, items, items * 10)
        fold([work], org_id=org_id, day=day)


def rank(window: str = "30d", **filters: str) -> Ranking:
    return ranking(kind="model", window=window, today=TODAY, **filters)


def test_folding_adds_to_the_day() -> None:
    settle("gpt-5.4", orgs=1, items=100)
    settle("gpt-5.4", orgs=1, items=23)

    row = SettledDemand.objects.get(provider="openai", operation="responses")
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


def test_a_batch_of_two_providers_is_one_batch_where_none_is_asked_for() -> None:
    works = [
        Settled("model", "gpt-oss", provider, "responses", 10, 100)
        for provider in ("groq", "together")
    ]
    for org_id in (1, 2, 3):
        fold(works, org_id=org_id, day=TODAY)

    (all_of_it,) = rank().rows
    (of_groq,) = rank(provider="groq").rows

    assert (all_of_it.items, all_of_it.batches) == (60, 3)
    assert (of_groq.items, of_groq.batches) == (30, 3)


@dataclass(frozen=True)
class Batch:
    """What one settled batch came to, as the test remembers it."""

    day: date
    org_id: int
    works: list[Settled]


def recount(batches: list[Batch], window: str, **asked: str) -> Ranking:
    """Rank from the batches themselves, by the rules of the contract alone."""
    length = timedelta(days=WINDOW_DAYS[window])
    start = TODAY - length + timedelta(days=1)
    now = _tally(batches, start, TODAY, asked)
    before = _tally(batches, start - length, TODAY - length, asked)
    total = sum(sums[0] for sums, _ in now.values())
    order = sorted(now, key=lambda slug: (-now[slug][0][0], slug))
    shown = [slug for slug in order if len(now[slug][1]) >= 3]
    folded = [slug for slug in order if slug not in shown]
    while folded and len(set().union(*(now[slug][1] for slug in folded))) < 3:
        if not shown:
            return Ranking(start, TODAY, [], None)
        folded.append(shown.pop())

    def row(slug: str, sums: list[int], change: Decimal | None) -> RankingRow:
        share = (Decimal(sums[0]) / total).quantize(Decimal("0.0001"))
        items, tokens, count = sums
        return RankingRow(slug, items, tokens, count, share, change)

    def change(slug: str) -> Decimal | None:
        sums, orgs = before.get(slug, ([0, 0, 0], set()))
        if len(orgs) < 3:
            return None
        more = Decimal(now[slug][0][0] - sums[0]) / sums[0]
        return more.quantize(Decimal("0.0001"))

    rest = [sum(now[slug][0][place] for slug in folded) for place in range(3)]
    return Ranking(
        start,
        TODAY,
        [row(slug, now[slug][0], change(slug)) for slug in shown],
        row("other", rest, None) if folded else None,
    )


def _tally(
    batches: list[Batch], start: date, end: date, asked: dict[str, str]
) -> dict[str, tuple[list[int], set[int]]]:
    found: dict[str, tuple[list[int], set[int]]] = {}
    for batch in batches:
        if not start <= batch.day <= end:
            continue
        wanted = [
            work
            for work in batch.works
            if work.kind == "model"
            and all(getattr(work, name) == value for name, value in asked.items())
        ]
        for slug in {work.slug for work in wanted}:
            of_it = [work for work in wanted if work.slug == slug]
            sums, orgs = found.setdefault(slug, ([0, 0, 0], set()))
            sums[0] += sum(work.items for work in of_it)
            sums[1] += sum(work.tokens for work in of_it)
            sums[2] += 1
            orgs.add(batch.org_id)
    return found


works = st.lists(
    st.builds(
        Settled,
        st.sampled_from(["model", "model", "workflow"]),
        st.sampled_from(["a", "b", "c", "d"]),
        st.sampled_from(["groq", "openai"]),
        st.sampled_from(["responses", "embeddings"]),
        st.integers(1, 500),
        st.integers(0, 9_000),
    ),
    min_size=1,
    max_size=3,
)
histories = st.lists(
    st.builds(
        Batch,
        st.integers(0, 14).map(lambda ago: TODAY - timedelta(days=ago)),
        st.integers(1, 6),
        works,
    ),
    max_size=30,
)


@settings(max_examples=25, deadline=None)
@given(histories)
def test_every_ranking_is_what_a_recount_of_the_batches_gives(
    batches: list[Batch],
) -> None:
    with transaction.atomic():
        for batch in batches:
            fold(batch.works, org_id=batch.org_id, day=batch.day)
        for window in ("24h", "7d", "30d"):
            for asked in (
                {},
                {"provider": "groq"},
                {"operation": "responses"},
                {"provider": "openai", "operation": "embeddings"},
            ):
                assert rank(window, **asked) == recount(batches, window, **asked)
        transaction.set_rollback(True)
