"""Planning alone: judge lanes, decide, and what a whole quote's groups cost so."""

import time

from batches import decisions
from batches.decisions import GroupTerms
from benchmarks import market
from benchmarks.figures import count, median, seconds
from benchmarks.plan import Plan
from benchmarks.report import Section, Table, Target
from routing import scoring
from routing.contracts import OfferingFacts
from routing.weights import RouteWeights

NAME = "planning"
_UNITS = 10_000
_OFFERINGS = 40
# As many as a manifest may have (batches/manifest/groups.py).
_GROUPS = 200
_TIERS = 4
_REPEATS = 5
_TARGET_SECONDS = 2.0


def measure(plan: Plan) -> Section:
    """Plan work units as a quote does, by group, and each as if it were alone."""
    section = Section(NAME, "Planning")
    lanes = market.offerings(_OFFERINGS)
    repeats, units = plan.repeats(_REPEATS), plan.items(_UNITS)
    grouped = median(_seconds(_GROUPS, lanes, section) for _ in range(repeats))
    apart = _seconds(units, lanes, section)
    section.tables = [
        Table(
            ["planned", "decisions", "offerings each", "CPU", "CPU µs/decision"],
            [
                _row(f"{count(units)} work units of a batch", _GROUPS, grouped),
                _row(
                    f"{count(units)} work units that have nothing in common",
                    units,
                    apart,
                ),
            ],
        )
    ]
    section.note = (
        f"A batch's work units are planned by group: all units of a group share its "
        f"decision, and a manifest has at most {_GROUPS} groups. A decision judges "
        "every offering, ranks them, makes the stages and what is stored to replay it. "
        f"A quote with its price-deadline curve makes {_TIERS} of each. The second "
        "line is what a router pays that plans each unit by itself. One process, CPU "
        "time."
    )
    section.targets = [
        Target(
            f"{count(_UNITS)} work units against {_OFFERINGS} offerings",
            f"below {seconds(_TARGET_SECONDS)}",
            seconds(grouped),
            grouped < _TARGET_SECONDS,
        )
    ]
    return section


def _seconds(number: int, lanes: list[OfferingFacts], section: Section) -> float:
    weights, placed = RouteWeights(), 0
    requests = list(market.requests(number))
    began = time.process_time()
    for group_no, request in enumerate(requests):
        judged = scoring.judge(request, lanes, weights, now=market.NOW)
        terms = GroupTerms(group_no, 1024, 590, market.NOW)
        placed += decisions.decide(request, judged, terms) is not None
    spent = time.process_time() - began
    if placed != number:
        section.faults.append(f"{number - placed} of {number} were not planned")
    return spent


def _row(what: str, number: int, spent: float) -> list[str]:
    return [
        what,
        count(number),
        f"{_OFFERINGS}",
        seconds(spent),
        count(spent / number * 1e6),
    ]
