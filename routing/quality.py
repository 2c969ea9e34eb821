"""Pure: how far what was found of a lane's answers moves its quality and its trust.

Each source gives a share of good answers, and its factor is 1 less the source's weight
times the missing share. A share starts at 1, because a lane is credited with a few
good answers before the first is judged; so the factors lower and heal, and never lift
a lane above what the catalog and the outcomes of its calls say of it.

- feedback: verdicts on rows and on batches. Of an answer that passed our checks and
  that nobody judged a little counts as good: customers name the bad ones, and three
  bad rows of ten thousand are not three of three.
- verification: our checks.
- golden: rows whose right answer the customer knew.
- drift: while a lane is answering worse than it used to, its present rate counts.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from routing.contracts import Drift, Finding
from routing.weights import QualityWeights

_PLACES: Final = 6
_SOURCES: Final[Mapping[str, tuple[str, ...]]] = {
    "feedback": ("feedback", "rating"),
    "verification": ("verification",),
    "golden": ("golden",),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What a lane's answers are worth, as factors from 0 to 1; 1 is "nothing known".

    Attributes:
        factors: those below 1, by what they come from.
        quality: of feedback, verification and golden rows together.
        trust: the same, and drift.
    """

    factors: Mapping[str, float]
    quality: float
    trust: float


def standing(
    findings: Sequence[Finding], drift: Drift | None, weights: QualityWeights
) -> Standing:
    """Weigh what is known of a lane's answers."""
    factors: dict[str, float] = {}
    quality = 1.0
    for name, sources in _SOURCES.items():
        good, bad = _weighed(findings, sources, weights)
        if name == "feedback":
            good += weights.unjudged * _unjudged(findings, weights)
        credit = weights.credited
        missing = bad / (credit + good + bad) if bad else 0.0
        factor = round(1.0 - weights.of_source(name) * missing, _PLACES)
        quality *= factor
        if factor < 1.0:
            factors[name] = factor
    trust = quality
    if drift is not None:
        kept = (1.0 - drift.failing_now) / (1.0 - drift.failing_before)
        factors["drift"] = round(1.0 - weights.drift * (1.0 - min(kept, 1.0)), _PLACES)
        trust *= factors["drift"]
    return Standing(factors, quality, trust)


def _weighed(
    findings: Sequence[Finding], sources: tuple[str, ...], weights: QualityWeights
) -> tuple[float, float]:
    """Return good and bad answers; one that was repaired is a part of each."""
    good = bad = 0.0
    for found in findings:
        if found.source in sources:
            weight = _weight(found, weights)
            good += weight * (
                found.passed + found.repaired * (1.0 - weights.repaired_failing)
            )
            bad += weight * (found.failed + found.repaired * weights.repaired_failing)
    return good, bad


def _unjudged(findings: Sequence[Finding], weights: QualityWeights) -> float:
    return sum(
        _weight(found, weights) * (found.passed + found.repaired)
        for found in findings
        if found.source == "verification"
    )


def _weight(found: Finding, weights: QualityWeights) -> float:
    weight = 1.0 if found.is_own else weights.others
    if not found.is_same_work:
        weight *= weights.other_work
    return weight * (weights.rating if found.source == "rating" else 1.0)


def sentences(
    findings: Sequence[Finding], drift: Drift | None, found: Standing
) -> Iterator[str]:
    """Yield what lowered a lane's trust, in words for the customer who asks.

    Of other customers no counts are told.
    """
    if "feedback" in found.factors:
        yield _feedback_words(findings, found.factors["feedback"])
    if "verification" in found.factors:
        yield (
            "Answers that fail our checks lower its trust by "
            f"{_percent(found.factors['verification'])}."
        )
    if "golden" in found.factors:
        yield (
            "Wrong answers to rows with a known answer lower its trust by "
            f"{_percent(found.factors['golden'])}."
        )
    if drift is not None:
        yield (
            f"Its answers are drifting since {drift.since}, by {drift.source}: "
            f"{_share(drift.failing_now)} fail instead of "
            f"{_share(drift.failing_before)}, which lowers its trust by "
            f"{_percent(found.factors['drift'])}."
        )


def _feedback_words(findings: Sequence[Finding], factor: float) -> str:
    own = [
        found
        for found in findings
        if found.is_own and found.source in _SOURCES["feedback"]
    ]
    bad = sum(found.failed + found.repaired for found in own)
    if bad == 0:
        return f"Feedback of other customers lowers its trust by {_percent(factor)}."
    good = sum(found.passed for found in own)
    return (
        f"Your feedback lowers its trust by {_percent(factor)}: {bad:.1f} verdicts "
        f"against its answers and {good:.1f} for them, older ones counting less."
    )


def _percent(factor: float) -> str:
    return f"{100.0 * (1.0 - factor):.1f} %"


def _share(rate: float) -> str:
    return f"{100.0 * rate:.1f} %"
