"""The weights that score lanes: one dated set is a route version.

The first set follows what is known of the original's recorded version (reliability 1,
cost 1, latency 0.4, quality 0.25; look-back 336 h, at least 5 outcomes).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class ScoreWeights:
    """How much each part of a score counts; only the proportions matter."""

    reliability: float = 1.0
    cost: float = 1.0
    latency: float = 0.4
    quality: float = 0.25

    @property
    def total(self) -> float:
        """The sum, by which a weighted score is divided."""
        return self.reliability + self.cost + self.latency + self.quality


@dataclass(frozen=True, slots=True)
class QualityWeights:
    """How much what was found of a lane's answers counts (routing/quality.py).

    Attributes:
        credited: good answers that a lane has before the first is judged; each source
            gives as many.
        others: an answer to another customer, against one to the customer who asks.
        other_work: one to another kind of work, against one to the kind asked for.
        rating: a verdict on a batch, in verdicts on rows.
        unjudged: an answer that passed the checks and that nobody judged, in verdicts.
        repaired_failing: the part of an answer that counts as failed when it had to be
            repaired or corrected.
        feedback, verification, golden, drift: how much of a missing share each takes
            off; 0 switches it off.
    """

    credited: float = 10.0
    others: float = 0.25
    other_work: float = 0.25
    rating: float = 3.0
    unjudged: float = 0.02
    repaired_failing: float = 0.5
    feedback: float = 1.0
    verification: float = 0.5
    golden: float = 1.0
    drift: float = 1.0

    def of_source(self, name: str) -> float:
        """Return the weight of one source's missing share."""
        return {
            "feedback": self.feedback,
            "verification": self.verification,
            "golden": self.golden,
        }[name]


_BASE: Final = ScoreWeights()

# What a manifest's routing_mode does to the weights. Modes that are not named score
# with the base; what they refuse stands in routing/eligibility.py.
MODE_WEIGHTS: Final[Mapping[str, ScoreWeights]] = {
    "cheapest": ScoreWeights(reliability=0.5, cost=4.0, latency=0.1, quality=0.1),
    "quality_first": ScoreWeights(reliability=1.0, cost=0.1, latency=0.2, quality=4.0),
    "privacy_constrained": ScoreWeights(
        reliability=1.0, cost=0.5, latency=0.4, quality=0.25
    ),
    "edge_only": ScoreWeights(reliability=1.0, cost=0.25, latency=1.0, quality=0.25),
    "hybrid": ScoreWeights(reliability=1.0, cost=1.0, latency=1.0, quality=0.5),
}


@dataclass(frozen=True, slots=True)
class RouteWeights:
    """One route version.

    Attributes:
        version_id: ``rv_…``, named on quotes and receipts.
        base: for ``sla_aware``, ``public_only`` and every mode without its own.
        modes: weights of the modes that shift them.
        model_step: a lane's score loses this for each place its model stands behind
            the best liked one, so that a liked model yields only to a clearly better.
        outcomes_min: observed outcomes below this are not believed.
        prior_outcomes: how many outcomes the prior is worth against observed ones.
        quality: how much feedback, checks, known answers and drift count.
    """

    version_id: str = "rv_default"
    base: ScoreWeights = _BASE
    modes: Mapping[str, ScoreWeights] = field(default_factory=lambda: MODE_WEIGHTS)
    model_step: float = 0.05
    outcomes_min: float = 5.0
    prior_outcomes: float = 20.0
    quality: QualityWeights = QualityWeights()

    def of_mode(self, routing_mode: str) -> ScoreWeights:
        """Return the weights that score under a routing mode."""
        return self.modes.get(routing_mode, self.base)


def to_json(weights: RouteWeights) -> dict[str, Any]:
    """Return what a route version stores; its id is the row's."""
    stored = {
        "base": asdict(weights.base),
        "modes": {name: asdict(mode) for name, mode in weights.modes.items()},
        "quality": asdict(weights.quality),
    }
    for name in ("model_step", "outcomes_min", "prior_outcomes"):
        stored[name] = getattr(weights, name)
    return stored


def from_json(version_id: str, stored: Mapping[str, Any]) -> RouteWeights:
    """Read a stored route version; what it does not name keeps its default.

    Raises:
        TypeError: a weight has an unknown name.
    """
    found = RouteWeights(version_id=version_id)
    parts = dict(stored)
    if "base" in parts:
        parts["base"] = ScoreWeights(**parts["base"])
    if "modes" in parts:
        modes = parts["modes"].items()
        parts["modes"] = {name: ScoreWeights(**mode) for name, mode in modes}
    if "quality" in parts:
        parts["quality"] = QualityWeights(**parts["quality"])
    return replace(found, **parts)
