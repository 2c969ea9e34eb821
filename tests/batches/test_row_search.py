"""Rows found by what became of them, in all attempts."""

from typing import Any

import pytest

from batches.content import ContentDeleted
from batches.models import Batch, ResultRow
from batches.row_detail import best_of
from batches.row_search import RowFilter, count_rows, find_rows, queue_of
from batches.selectors import attempts_of, row_page
from batches.services.retention import REQUEST, delete_content
from batches.states import RowStatus
from batchrouter.kit import clock
from tests.batches.conftest import Customer
from tests.console.made import Made, failed, finished_batch, retried, to_review

ALL = RowFilter()


@pytest.fixture
def twice_retried(owner: Customer) -> Batch:
    """Return a batch of which one item needs a third attempt, and one is lost."""
    batch = finished_batch(owner.org, "a", to_review("b"), *[failed()] * 4)
    first = retried(batch, {2: "c", 3: failed(), 4: to_review("e"), 5: failed()})
    retried(first, {3: "d", 5: failed("timeout")})
    return batch


def seqs(batch: Batch, wanted: RowFilter = ALL, **place: Any) -> list[int]:
    place.setdefault("limit", 100)
    found = find_rows(batch, wanted, attempts_of(batch), **place)
    return [seq for seq, _ in found.rows]


def test_the_best_row_of_each_item_is_found(twice_retried: Batch) -> None:
    attempts = attempts_of(twice_retried)
    found = find_rows(twice_retried, ALL, attempts, limit=100)
    same = row_page(
        twice_retried,
        after=-1,
        limit=100,
        status=None,
        with_raw=False,
        attempts=attempts,
    )
    assert found.rows == same
    assert (found.has_before, found.has_after) == (False, False)


@pytest.mark.parametrize("status", ["completed", "review", "failed", "expired"])
def test_a_status_is_that_of_the_best_row(status: str, twice_retried: Batch) -> None:
    same = row_page(
        twice_retried,
        after=-1,
        limit=100,
        status=status,
        with_raw=False,
        attempts=attempts_of(twice_retried),
    )
    assert seqs(twice_retried, RowFilter(status=status)) == [seq for seq, _ in same]


def test_rows_are_counted_by_the_best_row(twice_retried: Batch) -> None:
    attempts = attempts_of(twice_retried)
    assert count_rows(twice_retried, attempts) == {
        "completed": 3,
        "review": 2,
        "failed": 1,
    }
    assert count_rows(twice_retried, None) == {
        "completed": 1,
        "review": 1,
        "failed": 4,
    }


def test_pages_are_walked_both_ways(twice_retried: Batch) -> None:
    assert seqs(twice_retried, after=1, limit=2) == [2, 3]
    assert seqs(twice_retried, before=4, limit=2) == [2, 3]
    first = find_rows(twice_retried, ALL, None, before=2, limit=2)
    assert (first.has_before, first.has_after) == (False, True)
    last = find_rows(twice_retried, ALL, None, after=3, limit=2)
    assert (last.has_before, last.has_after) == (True, False)


def test_names_are_searched_for_as_they_are_typed(twice_retried: Batch) -> None:
    assert seqs(twice_retried, RowFilter(name="ITEM-4")) == [4]
    assert seqs(twice_retried, RowFilter(name="item_4")) == []
    assert seqs(twice_retried, RowFilter(name="%")) == []


def test_a_name_among_rows_of_a_kind_is_found_near_and_far(
    twice_retried: Batch,
) -> None:
    delivered = RowFilter(name="item", status="completed")
    assert seqs(twice_retried, delivered, near=1) == [0, 2, 3]
    assert seqs(twice_retried, delivered, near=3, limit=1) == [0]
    assert seqs(twice_retried, delivered, before=3, near=1) == [0, 2]
    assert seqs(twice_retried, RowFilter(name="item-5", status="failed")) == [5]
    assert seqs(twice_retried, RowFilter(name="item-3", status="failed")) == []


def test_rows_with_a_failed_check_are_those_of_the_last_answers(
    owner: Customer,
) -> None:
    unfit = failed("verification_failed")
    batch = finished_batch(owner.org, "a", to_review("b"), unfit, unfit, failed())
    assert seqs(batch, RowFilter(has_failed_check=True)) == [1, 2, 3]
    retried(batch, {2: "c", 3: failed(), 4: unfit})
    assert seqs(batch, RowFilter(has_failed_check=True)) == [1, 4]


def test_what_several_attempts_left_is_counted_by_its_last_row(
    owner: Customer,
) -> None:
    expired = Made(status=RowStatus.EXPIRED, error=failed().error)
    batch = finished_batch(owner.org, "a", *[failed()] * 3, *[expired] * 3)
    first = retried(
        batch, dict.fromkeys((1, 2, 4), expired) | {3: "b", 5: "c"} | {6: failed()}
    )
    retried(first, {1: failed(), 2: "d", 4: failed(), 6: expired})
    assert count_rows(batch, None) == {"completed": 1, "failed": 3, "expired": 3}
    counts = {"completed": 4, "failed": 2, "expired": 1}
    assert count_rows(batch, attempts_of(batch)) == counts
    assert seqs(batch, RowFilter(status="failed")) == [1, 4]
    assert seqs(batch, RowFilter(status="expired")) == [6]


def test_the_queue_counts_what_was_delivered_in_any_attempt(
    twice_retried: Batch,
) -> None:
    attempts = attempts_of(twice_retried)
    found = queue_of(twice_retried, attempts, ["review"], after=1, before=4)
    assert (found.total, found.looked_at) == (2, 0)
    assert (found.next_seq, found.previous_seq) == (4, 1)
    everything = queue_of(twice_retried, attempts, ["review", "completed"])
    assert (everything.total, everything.next_seq) == (5, 0)


def test_deleted_content_is_not_found(twice_retried: Batch) -> None:
    delete_content(twice_retried, cause=REQUEST, now=clock.now())
    twice_retried.refresh_from_db()
    with pytest.raises(ContentDeleted):
        find_rows(twice_retried, ALL, None, limit=1)


def test_a_delivered_row_is_better_than_a_later_one_that_is_not() -> None:
    delivered = ResultRow(batch_id=1, seq=0, status="review")
    later = ResultRow(batch_id=2, seq=0, status="failed")
    assert best_of([delivered, later]) is delivered
    assert best_of([later]) is later
    assert best_of([]) is None
