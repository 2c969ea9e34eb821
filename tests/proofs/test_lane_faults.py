"""The campaign must see what it is there to see."""

from dataclasses import replace
from typing import Any

import pytest

from proofs.lane_faults import judge
from tests.support import troubled_batch
from tests.support.troubled_batch import CAUSES, MOVED, RUN_BY_JOBS, Outcome

TOTAL = "0.75"


def lane(name: str) -> tuple[str, str]:
    provider, _, mode = name.partition(":")
    return provider, mode


CHANGES = [
    {
        "from_provider": lane(left)[0],
        "from_mode": lane(left)[1],
        "to_provider": lane(taken)[0],
        "to_mode": lane(taken)[1],
        "causes": dict.fromkeys(CAUSES[left, taken], items),
    }
    for (left, taken), items in MOVED.items()
]
KEPT = Outcome(
    batch={
        "state": "completed",
        "completed_at": "2026-11-29T16:00:00.000Z",
        "deadline_at": "2026-11-30T15:00:00.000Z",
    },
    rows=[
        {"customer_item_id": item["customer_item_id"]}
        for item in troubled_batch.items()
    ],
    route={"lane_changes": CHANGES, "decisions": [], "work_units": []},
    billing={"charged": "0.20", "quote": {"total": TOTAL}},
    paid_by_jobs=RUN_BY_JOBS,
    paid_twice=[],
    reconciled="all hold",
)


def test_a_batch_that_kept_its_promises_is_right() -> None:
    assert list(judge(KEPT)) == []


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ({"batch": {**KEPT.batch, "state": "failed"}}, "the batch failed"),
        (
            {"batch": {**KEPT.batch, "deadline_at": "2026-11-29T15:00:00.000Z"}},
            "in time: False",
        ),
        ({"rows": KEPT.rows[1:]}, "4999 rows for 5000 items"),
        ({"rows": [KEPT.rows[0], *KEPT.rows[:-1]]}, "or not theirs"),
        ({"billing": {"charged": "0.76", "quote": {"total": TOTAL}}}, "charged 0.76"),
        ({"route": {**KEPT.route, "lane_changes": CHANGES[1:]}}, "changes of lane"),
        ({"paid_by_jobs": {**RUN_BY_JOBS, "openai": 601}}, "jobs ran"),
        ({"paid_twice": ["pexec_1-7"]}, "twice: 1"),
        ({"reconciled": "R03: 1 problem"}, "the books"),
    ],
    ids=[
        "failed",
        "late",
        "a row lost",
        "a row doubled",
        "too dear",
        "a change untold",
        "paid twice in all",
        "paid twice by name",
        "the books",
    ],
)
def test_a_broken_promise_is_told(broken: dict[str, Any], told: str) -> None:
    (problem,) = judge(replace(KEPT, **broken))

    assert told in problem
