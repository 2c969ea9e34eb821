"""What is known of answers lowers trust by source, and never lifts it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.contracts import Drift, Finding
from routing.quality import sentences, standing
from routing.weights import QualityWeights, RouteWeights, from_json, to_json

WEIGHTS = QualityWeights()
DRIFT = Drift("verification", "2026-11-20", failing_before=0.02, failing_now=0.1)


def finding(source: Any = "feedback", **changes: Any) -> Finding:
    own = Finding(
        source, is_own=True, is_same_work=True, passed=0.0, repaired=0.0, failed=0.0
    )
    return replace(own, **changes)


def trust_of(*findings: Finding, drift: Drift | None = None) -> float:
    return standing(findings, drift, WEIGHTS).trust


def words_of(*findings: Finding, drift: Drift | None = None) -> list[str]:
    return list(sentences(findings, drift, standing(findings, drift, WEIGHTS)))


def test_nothing_known_changes_nothing() -> None:
    known = standing((), None, WEIGHTS)

    assert (known.quality, known.trust, known.factors) == (1.0, 1.0, {})


def test_praise_alone_changes_nothing() -> None:
    assert trust_of(finding(passed=50.0), finding("verification", passed=900.0)) == 1.0


@pytest.mark.parametrize(
    ("known", "trust"),
    [
        (finding(failed=10.0), 0.5),  # 10 of 10 credited and 10
        (finding(repaired=10.0), 0.75),
        (finding(failed=10.0, passed=80.0), 0.9),
        (finding(failed=10.0, is_own=False), 0.8),
        (finding(failed=10.0, is_same_work=False), 0.8),
        (finding("rating", failed=1.0), 0.769231),
        (finding("verification", failed=10.0), 0.75),
        (finding("golden", failed=10.0), 0.5),
    ],
)
def test_each_source_takes_its_part(known: Finding, trust: float) -> None:
    assert trust_of(known) == trust


def test_many_answers_without_complaint_weigh_against_a_few_complaints() -> None:
    complaint = finding(failed=3.0)

    alone = trust_of(complaint)
    of_many = trust_of(complaint, finding("verification", passed=10_000.0))

    assert (alone, of_many) == (0.769231, 0.985915)


def test_drift_lowers_trust_to_the_present_rate_and_not_quality() -> None:
    known = standing((), DRIFT, WEIGHTS)

    assert known.quality == 1.0
    assert known.trust == known.factors["drift"] == 0.918367


def test_own_feedback_is_told_with_counts_and_that_of_others_without() -> None:
    own = finding(failed=2.0, passed=1.0)
    others = replace(own, is_own=False)

    (words,) = words_of(own, others)
    assert words == (
        "Your feedback lowers its trust by 18.2 %: 2.0 verdicts against its answers "
        "and 1.0 for them, older ones counting less."
    )
    assert words_of(others) == [
        "Feedback of other customers lowers its trust by 4.7 %."
    ]


def test_checks_known_answers_and_drift_are_told() -> None:
    known = (finding("verification", failed=10.0), finding("golden", failed=1.0))

    assert words_of(*known, drift=DRIFT) == [
        "Answers that fail our checks lower its trust by 25.0 %.",
        "Wrong answers to rows with a known answer lower its trust by 9.1 %.",
        (
            "Its answers are drifting since 2026-11-20, by verification: 10.0 % fail "
            "instead of 2.0 %, which lowers its trust by 8.2 %."
        ),
    ]


def test_a_source_of_weight_zero_is_off() -> None:
    weights = replace(WEIGHTS, feedback=0.0)

    assert standing((finding(failed=99.0),), None, weights).trust == 1.0


def test_a_stored_route_version_keeps_the_weights_of_quality() -> None:
    version = RouteWeights("rv_a", quality=replace(WEIGHTS, others=0.125))

    assert from_json("rv_a", to_json(version)) == version


counts = st.floats(0.0, 1e7)
any_finding = st.builds(
    Finding,
    st.sampled_from(["verification", "feedback", "rating", "golden"]),
    st.booleans(),
    st.booleans(),
    counts,
    counts,
    counts,
)


@given(st.lists(any_finding, max_size=8), any_finding)
def test_more_failures_never_raise_trust(known: list[Finding], other: Finding) -> None:
    failed = replace(other, passed=0.0, repaired=0.0)

    before, after = trust_of(*known), trust_of(*known, failed)

    assert 0.0 <= after <= before <= 1.0
