"""The change that would have saved most, and how sure that is."""

from random import Random

import pytest

from batches.recommending import Advice, Tried, advise

KIND = "model:responses"


def tried(
    before: int = 1_000_000,
    after: int = 600_000,
    *,
    policy: str = "standard",
    items: int = 20,
    moved: int = 0,
    quality: float = 0.7,
    is_placed: bool = True,
) -> Tried:
    return Tried(
        KIND, policy, items, before, after, moved, 0.7, quality, 60.0, 3600.0, is_placed
    )


def advised(*found: Tried) -> Advice:
    return advise(found, chance=Random(1))


def test_the_change_that_saves_most_is_named() -> None:
    found = advised(
        *[tried(policy="standard", after=700_000)] * 12,
        *[tried(policy="cheapest", after=600_000)] * 12,
    ).recommendation

    assert found is not None
    assert (found.policy, found.workload_key) == ("cheapest", KIND)
    assert (found.batches, found.items) == (12, 240)
    assert (found.before_nanousd, found.after_nanousd) == (12_000_000, 7_200_000)
    assert found.share == pytest.approx(0.4)
    # Every batch saves the same, so only rounding is in doubt.
    assert (found.share_low, found.share_high) == (0.3999, 0.4001)
    assert found.chance == 1.0


def test_of_equal_savings_the_smaller_concession_is_named() -> None:
    found = advised(*[tried(policy="standard")] * 10, *[tried(policy="flex")] * 10)

    assert found.recommendation is not None
    assert found.recommendation.policy == "standard"


def test_batches_that_differ_widen_the_interval() -> None:
    batches = [tried(after=500_000 + 40_000 * number) for number in range(12)]

    found = advised(*batches).recommendation

    assert found is not None
    assert found.share_low < 0.22 < found.share < 0.32 < found.share_high


def test_work_that_would_move_is_in_doubt() -> None:
    found = advised(*[tried(moved=600_000)] * 12).recommendation

    assert found is not None
    # 5 % of 0.6 either way.
    assert (found.share_low, found.share_high) == (0.3699, 0.4301)


@pytest.mark.parametrize(
    ("found", "reason", "verdict"),
    [
        ([], "Not enough data yet: 0 settled batches", None),
        ([tried()] * 9, "Not enough data yet: 9 settled batches", "too_few_batches"),
        (
            [tried(items=1)] * 12,
            "Not enough data yet: 12 settled batches",
            "too_few_batches",
        ),
        ([tried(after=995_000)] * 12, "No change that was tried", "saves_nothing"),
        ([tried(after=2_000_000)] * 12, "No change that was tried", "saves_nothing"),
        ([tried(quality=0.6)] * 12, "No change that was tried", "quality_would_fall"),
        (
            [*[tried()] * 12, tried(is_placed=False)],
            "No change that was tried",
            "work_without_lane",
        ),
        (
            [*[tried(after=1_050_000)] * 11, tried(after=100_000)],
            "Some change may save",
            "uncertain",
        ),
    ],
)
def test_where_nothing_is_recommended_the_reason_is_told(
    found: list[Tried], reason: str, verdict: str | None
) -> None:
    advice = advised(*found)

    assert advice.recommendation is None
    assert advice.reason.startswith(reason)
    assert [each.verdict for each in advice.considered] == [verdict][: len(found)]


def test_the_same_facts_give_the_same_advice() -> None:
    batches = [tried(after=500_000 + 10_000 * number) for number in range(250)]

    assert advised(*batches) == advised(*batches)


def test_the_interval_holds_the_saving_of_later_batches() -> None:
    """Draw a history and a future from one source, forty times over."""
    source = Random(20261129)
    held = 0
    for _ in range(40):
        history, future = [
            [
                tried(before, int(before * source.choice([0.4, 0.7, 0.95, 1.0])))
                for before in (source.randint(10_000, 5_000_000) for _ in range(30))
            ]
            for _ in range(2)
        ]
        found = advise(history, chance=Random(1)).recommendation
        assert found is not None
        saved = 1 - sum(x.after_nanousd for x in future) / sum(
            x.before_nanousd for x in future
        )
        held += found.share_low <= saved <= found.share_high
    assert held >= 36
