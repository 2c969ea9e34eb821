"""The campaign must see what it is there to see."""

import pytest

from proofs.money_crashes import compare

TOLD = {"a": 10, "b": 20}


def test_books_that_say_what_was_told_are_right() -> None:
    assert list(compare("grants", TOLD, [("a", 10, 1), ("b", 20, 1)])) == []


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([("a", 10, 1)], "grants: b is None, told was 20"),
        ([("a", 10, 1), ("b", 21, 1)], "grants: b is 21, told was 20"),
        ([("a", 10, 1), ("b", 20, 2)], "grants: b is in the ledger 2 times"),
        ([("a", 10, 1), ("b", 20, 0)], "grants: b is in the ledger 0 times"),
        (
            [("a", 10, 1), ("b", 20, 1), ("b", 20, 1)],
            "grants: 3 rows for 2 operations",
        ),
        (
            [("a", 10, 1), ("b", 20, 1), ("c", 5, 1)],
            "grants: c is 5, told was None",
        ),
    ],
    ids=["lost", "another amount", "doubled", "unposted", "two rows", "unheard of"],
)
def test_a_difference_is_told(rows: list[tuple[str, int, int]], problem: str) -> None:
    assert list(compare("grants", TOLD, rows)) == [problem]
