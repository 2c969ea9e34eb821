"""Pure: the change that would have saved most, with an interval, or why there is none.

Every batch was decided again under every candidate when it was settled
(:mod:`batches.trials`). Here those figures are summed over batches, and the interval
says where the saving of as much later work of the same kind will lie:

- Batches are drawn again with replacement, twice for each round: one draw stands for
  what was seen, the other for what is to come. So the interval covers the chance in
  both. With many batches, neighbors in time are pooled first.
- Work that another provider or model would make is counted in estimated tokens: its
  price may be off by :data:`TOKEN_DOUBT` either way, and the interval is wider by that.
- Several candidates are looked at and the best is named, so each is held to a share of
  the error (Bonferroni).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, NamedTuple

BATCHES_MIN: Final = 10
ITEMS_MIN: Final = 100
ROUNDS: Final = 2000
BLOCKS_MAX: Final = 100
LEVEL: Final = 0.95
# A saving below this is not worth a change.
SHARE_MIN: Final = 0.01
# Mean quality of the lanes, 0 to 1, may fall by no more.
QUALITY_LOSS_MAX: Final = 0.05
TOKEN_DOUBT: Final = 0.05
# Rows round up one by one, and shares are shown with four places.
_ROUNDING: Final = 0.0001


class Tried(NamedTuple):
    """One kind of work in one batch under a candidate, oldest batch first."""

    workload_key: str
    policy: str
    items: int
    before_nanousd: int
    after_nanousd: int
    moved_nanousd: int
    quality_before: float
    quality_after: float
    seconds_before: float
    seconds_after: float
    is_placed: bool


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A change, and what it rests on.

    Attributes:
        share, share_low, share_high: of the charge that is saved.
        chance: share of the rounds in which anything is saved.
        level: how often the interval is meant to hold.
    """

    workload_key: str
    policy: str
    batches: int
    items: int
    before_nanousd: int
    after_nanousd: int
    share: float
    share_low: float
    share_high: float
    chance: float
    level: float
    quality_before: float
    quality_after: float
    seconds_before: float
    seconds_after: float


@dataclass(frozen=True, slots=True)
class Considered:
    """A candidate that was looked at, and the word for why it is not recommended."""

    workload_key: str
    policy: str
    batches: int
    share: float
    verdict: str


@dataclass(frozen=True, slots=True)
class Advice:
    """What is recommended, or why nothing is; and all that was looked at."""

    recommendation: Recommendation | None
    reason: str
    considered: tuple[Considered, ...]


def advise(tried: Iterable[Tried], *, chance: Random) -> Advice:
    """Choose among candidates.

    Args:
        tried: of the window, oldest first.
        chance: draws the batches.
    """
    by_key: dict[tuple[str, str], list[Tried]] = {}
    for each in tried:
        by_key.setdefault((each.workload_key, each.policy), []).append(each)
    considered, open_keys = [], []
    for key, found in by_key.items():
        verdict = _verdict(found)
        considered.append(Considered(*key, len(found), _share(found), verdict))
        if not verdict:
            open_keys.append(key)
    # The first of equals stays first: candidates come with the smaller one first.
    open_keys.sort(key=lambda key: -_saved(by_key[key]))
    for key in open_keys:
        made = _recommendation(by_key[key], len(open_keys), chance)
        if made.share_low > 0:
            return Advice(made, "", tuple(considered))
        considered = [
            _with_verdict(each, "uncertain")
            if (each.workload_key, each.policy) == key
            else each
            for each in considered
        ]
    return Advice(None, _reason(considered), tuple(considered))


def _with_verdict(considered: Considered, verdict: str) -> Considered:
    return Considered(
        considered.workload_key,
        considered.policy,
        considered.batches,
        considered.share,
        verdict,
    )


def _verdict(found: Sequence[Tried]) -> str:
    """Return why a candidate is out of the question; empty where it is not."""
    if len(found) < BATCHES_MIN or sum(each.items for each in found) < ITEMS_MIN:
        return "too_few_batches"
    if not all(each.is_placed for each in found):
        return "work_without_lane"
    if _mean(found, "quality_before") - _mean(found, "quality_after") > (
        QUALITY_LOSS_MAX
    ):
        return "quality_would_fall"
    return "" if _share(found) >= SHARE_MIN else "saves_nothing"


def _reason(considered: Sequence[Considered]) -> str:
    most = max((each.batches for each in considered), default=0)
    if most < BATCHES_MIN or all(
        each.verdict == "too_few_batches" for each in considered
    ):
        return (
            f"Not enough data yet: {most} settled batches of one kind of work could be "
            f"tried under another policy; {BATCHES_MIN} with {ITEMS_MIN} items are "
            "needed."
        )
    if any(each.verdict == "uncertain" for each in considered):
        return "Some change may save, but the interval of its saving includes nothing."
    return "No change that was tried would have saved anything worth it."


def _recommendation(
    found: Sequence[Tried], looked_at: int, chance: Random
) -> Recommendation:
    low, high, positive = _interval(found, looked_at, chance)
    return Recommendation(
        workload_key=found[0].workload_key,
        policy=found[0].policy,
        batches=len(found),
        items=sum(each.items for each in found),
        before_nanousd=sum(each.before_nanousd for each in found),
        after_nanousd=sum(each.after_nanousd for each in found),
        share=_share(found),
        share_low=low,
        share_high=high,
        chance=positive,
        level=LEVEL,
        quality_before=round(_mean(found, "quality_before"), 4),
        quality_after=round(_mean(found, "quality_after"), 4),
        seconds_before=round(_mean(found, "seconds_before"), 1),
        seconds_after=round(_mean(found, "seconds_after"), 1),
    )


def _saved(found: Sequence[Tried]) -> int:
    return sum(each.before_nanousd - each.after_nanousd for each in found)


def _share(found: Sequence[Tried]) -> float:
    before = sum(each.before_nanousd for each in found)
    return round(_saved(found) / before, 6) if before else 0.0


def _mean(found: Sequence[Tried], name: str) -> float:
    total = sum(each.items for each in found)
    if not total:
        return 0.0
    return float(sum(each.items * getattr(each, name) for each in found)) / total


class _Block(NamedTuple):
    before: int
    after: int


def _interval(
    found: Sequence[Tried], looked_at: int, chance: Random
) -> tuple[float, float, float]:
    """Return low, high, and how often a draw saves anything."""
    blocks = _blocks(found)
    shown = _share_of(blocks)
    drawn = []
    positive = 0
    for _ in range(ROUNDS):
        seen = _share_of(chance.choices(blocks, k=len(blocks)))
        to_come = _share_of(chance.choices(blocks, k=len(blocks)))
        drawn.append(shown + to_come - seen)
        positive += to_come > 0
    drawn.sort()
    tail = (1 - LEVEL) / 2 / max(looked_at, 1)
    place = min(math.floor(tail * ROUNDS), ROUNDS // 2)
    before = sum(block.before for block in blocks)
    moved = sum(each.moved_nanousd for each in found)
    doubt = TOKEN_DOUBT * moved / before + _ROUNDING
    low, high = drawn[place] - doubt, drawn[-1 - place] + doubt
    return _floor(low), min(_ceil(high), 1.0), positive / ROUNDS


def _blocks(found: Sequence[Tried]) -> list[_Block]:
    """Pool neighbors in time, so that a round is quick however many there are."""
    count = min(len(found), BLOCKS_MAX)
    blocks = []
    for number in range(count):
        part = found[len(found) * number // count : len(found) * (number + 1) // count]
        blocks.append(
            _Block(
                sum(each.before_nanousd for each in part),
                sum(each.after_nanousd for each in part),
            )
        )
    return blocks


def _share_of(blocks: Sequence[_Block]) -> float:
    before = sum(block.before for block in blocks)
    if not before:
        return 0.0
    return 1 - sum(block.after for block in blocks) / before


def _floor(share: float) -> float:
    return math.floor(share * 10_000) / 10_000


def _ceil(share: float) -> float:
    return math.ceil(share * 10_000) / 10_000
