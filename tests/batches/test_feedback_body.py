"""A feedback is read whole, or refused with everything that is wrong."""

from typing import Any

import pytest

from batches.feedback_body import FeedbackRefused, Said, SaidItem, read_feedback
from batchrouter.kit.errors import InvalidRequest

Json = dict[str, Any]


def verdict(word: str = "accepted", **fields: Any) -> Json:
    return {"customer_item_id": "a", "verdict": word, **fields}


def test_a_feedback_is_read_as_it_was_said() -> None:
    body = {
        "rating": 2,
        "accepted": False,
        "comment": "Late.",
        "items": [verdict("corrected", correction=["x"], reason="y")],
    }

    assert read_feedback(body) == Said(
        2, False, "Late.", (SaidItem(0, "a", "corrected", ["x"], "y"),)
    )


BAD: list[tuple[Json, str]] = [
    ({}, "empty_feedback"),
    ({"items": []}, "empty_feedback"),
    ({"rating": 0}, "invalid_rating"),
    ({"rating": 6}, "invalid_rating"),
    ({"rating": True}, "invalid_rating"),
    ({"rating": 4.0}, "invalid_rating"),
    ({"rating": "4"}, "invalid_rating"),
    ({"accepted": "yes"}, "wrong_type"),
    ({"accepted": True, "rating": 2}, "contradictory_verdicts"),
    ({"accepted": False, "rating": 4}, "contradictory_verdicts"),
    ({"stars": 5}, "unknown_field"),
    ({"comment": "x" * 4_001}, "invalid_request"),
    ({"comment": 5}, "invalid_request"),
    ({"items": {}}, "wrong_type"),
    ({"items": ["a"]}, "wrong_type"),
    ({"items": [verdict()] * 5_001}, "too_many_items"),
    ({"items": [{"verdict": "accepted"}]}, "invalid_id"),
    ({"items": [verdict() | {"customer_item_id": "x" * 129}]}, "invalid_id"),
    ({"items": [verdict("fine")]}, "invalid_verdict"),
    ({"items": [verdict("")]}, "invalid_verdict"),
    ({"items": [verdict() | {"verdict": ["accepted"]}]}, "invalid_verdict"),
    ({"items": [{}]}, "invalid_feedback"),
    ({"items": [verdict(weight=9)]}, "unknown_field"),
    ({"items": [verdict(reason="x" * 1_001)]}, "invalid_reason"),
    ({"items": [verdict(reason=None)]}, "invalid_reason"),
    ({"items": [verdict(correction="x")]}, "unexpected_correction"),
    (
        {"items": [verdict("corrected", correction="x" * 16_383)]},
        "correction_too_large",
    ),
    ({"items": [verdict(), verdict()]}, "duplicate_item"),
    ({"items": [verdict(), verdict("rejected")]}, "contradictory_verdicts"),
]


@pytest.mark.parametrize(("body", "code"), BAD)
def test_bad_feedback_is_refused_by_name(body: Json, code: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        read_feedback(body)

    assert refusal.value.code == code


@pytest.mark.parametrize(
    "body",
    [
        {"rating": 3, "accepted": False},
        {"comment": "x" * 4_000},
        {"items": [verdict("corrected", correction="x" * 16_382, reason="x" * 1_000)]},
        {"items": [verdict() | {"customer_item_id": str(n)} for n in range(5_000)]},
    ],
)
def test_what_is_just_within_the_limits_is_taken(body: Json) -> None:
    said = read_feedback(body)

    assert said.rating == body.get("rating")
    assert said.comment == body.get("comment", "")
    assert len(said.items) == len(body.get("items", []))


def test_a_refusal_lists_every_problem_and_counts_them() -> None:
    items = [{"customer_item_id": f"row-{n}", "verdict": "fine"} for n in range(150)]

    with pytest.raises(FeedbackRefused) as refusal:
        read_feedback({"items": items})

    assert refusal.value.details["error_count"] == 150
    assert len(refusal.value.details["errors"]) == 100
    assert refusal.value.details["errors"][1] == {
        "line": None,
        "customer_item_id": "row-1",
        "field": "items[1].verdict",
        "code": "invalid_verdict",
        "message": "A verdict is one of accepted, corrected, rejected.",
    }
