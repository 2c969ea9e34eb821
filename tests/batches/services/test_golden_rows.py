"""Golden items: scored by lane, never charged, and left out where asked."""

from typing import Any

import pytest

from batches.models import Batch, GoldenOutcome, Quote, ResultRow, StoredFile
from batches.store import store
from tests.batches.conftest import Customer
from tests.factories.batches import (
    book_problems,
    make_batch,
    make_item,
    make_items,
    make_quote,
    run_batch,
)

DIRECT: dict[str, Any] = {"model": "deepseek-flash"}


def with_golden(*golden: dict[str, Any], every: int = 20) -> list[dict[str, Any]]:
    """Return twenty items for each golden one, the golden ones first."""
    items = make_items(every * len(golden), **DIRECT)
    for item, known in zip(items, golden, strict=False):
        item["golden"] = known
    return items


RIGHT = {"expected": "hello", "match": "contains"}
WRONG = {"expected": "never said", "match": "exact"}


@pytest.mark.usefixtures("simulator")
class TestRuns:
    def test_lanes_are_scored_and_the_batch_says_so(self, owner: Customer) -> None:
        batch = run_batch(make_batch(owner.org, with_golden(RIGHT, WRONG)))

        shown = owner.api.get(f"/v1/batches/{batch.public_id}").json()["golden"]
        scored = {"scored": 2, "right": 1, "accuracy": 0.5}
        lane = {"provider": "deepseek", "model": "deepseek-flash", "mode": "direct"}
        assert shown == {
            "items": 2,
            "charged": False,
            **scored,
            "lanes": [{**lane, **scored}],
        }
        receipt = owner.api.get(f"/v1/batches/{batch.public_id}/route-receipt").json()
        assert receipt["receipt"]["golden"] == shown

    def test_their_rows_cost_the_customer_nothing_and_us_something(
        self, owner: Customer
    ) -> None:
        batch = run_batch(make_batch(owner.org, with_golden(RIGHT)))

        golden = ResultRow.objects.get(batch_id=batch.pk, seq=0)
        other = ResultRow.objects.get(batch_id=batch.pk, seq=1)
        assert (golden.subtotal_nanousd, golden.charge_nanousd) == (0, 0)
        assert golden.cost_nanousd > 0
        assert other.subtotal_nanousd > 0
        assert book_problems() == []

    def test_a_row_says_whether_it_was_right(self, owner: Customer) -> None:
        batch = run_batch(make_batch(owner.org, with_golden(RIGHT)))

        page = owner.api.get(f"/v1/batches/{batch.public_id}/results?limit=2").json()
        assert [row["golden"] for row in page["data"]] == [{"right": True}, None]

    def test_they_stay_in_the_output_unless_asked(self, owner: Customer) -> None:
        batch = run_batch(make_batch(owner.org, with_golden(RIGHT)))

        assert lines_of(batch.output_file) == 20
        assert batch.golden_file is None

    def test_they_are_left_out_of_the_output_on_request(self, owner: Customer) -> None:
        batch = run_batch(
            make_batch(owner.org, with_golden(RIGHT), exclude_golden=True)
        )

        assert (lines_of(batch.output_file), lines_of(batch.golden_file)) == (19, 1)
        page = owner.api.get(f"/v1/batches/{batch.public_id}/results").json()
        assert [row["sequence_no"] for row in page["data"]] == list(range(1, 20))
        assert page["counts"]["completed"] == 20

    def test_one_without_an_answer_is_not_scored_nor_retried(
        self, owner: Customer
    ) -> None:
        items = with_golden(RIGHT)
        items[0]["input"] = "[[sim:400]] Say hello."
        batch = run_batch(make_batch(owner.org, items))

        shown = owner.api.get(f"/v1/batches/{batch.public_id}").json()["golden"]
        assert (shown["items"], shown["scored"], shown["accuracy"]) == (1, 0, None)
        assert shown["lanes"] == []
        assert batch.retry_file is None
        assert GoldenOutcome.objects.count() == 0


def lines_of(file: StoredFile | None) -> int:
    assert file is not None
    return store().path(file.storage_key).read_bytes().count(b"\n")


def test_the_quote_says_that_they_are_not_charged(owner: Customer) -> None:
    quote = make_quote(owner.org, with_golden(RIGHT), exclude_golden=True)
    plain = make_quote(owner.org, make_items(20, **DIRECT))

    assert quote.reply["golden"] == {
        "items": 1,
        "charged": False,
        "excluded_from_output": True,
    }
    assert quote.item_count == 20
    assert quote.total_nanousd < plain.total_nanousd


def test_more_than_one_in_twenty_are_refused_and_nothing_is_kept(
    owner: Customer,
) -> None:
    items = [*with_golden(RIGHT), make_item(20, **DIRECT, golden=WRONG)]

    reply = owner.api.post("/v1/batches/quote", {"items": items})

    assert reply.status_code == 400
    (problem,) = reply.json()["error"]["details"]["errors"]
    assert (problem["field"], problem["code"]) == ("golden", "too_many_golden")
    assert problem["message"] == (
        "One item in 20 may be golden: 2 of 21 are, 1 are accepted."
    )
    assert (Quote.objects.count(), StoredFile.objects.count()) == (0, 0)
    assert Batch.objects.count() == 0


@pytest.mark.parametrize(
    ("golden", "field", "code"),
    [
        ("yes", "golden", "wrong_type"),
        ({}, "golden.expected", "required"),
        ({"expected": "x", "score": 1}, "golden.score", "unknown_field"),
        ({"expected": "x", "match": "fuzzy"}, "golden.match", "not_allowed"),
        ({"expected": 1}, "golden.expected", "wrong_type"),
        ({"expected": "(?=a)", "match": "regex"}, "golden.expected", "invalid_regex"),
        (
            {"expected": ["x" * 65_536], "match": "json"},
            "golden.expected",
            "too_long",
        ),
    ],
)
def test_names_what_is_wrong_with_a_golden_item(
    owner: Customer, golden: Any, field: str, code: str
) -> None:
    items = [*make_items(20, **DIRECT), make_item(20, **DIRECT, golden=golden)]

    reply = owner.api.post("/v1/batches/quote", {"items": items})

    (problem,) = reply.json()["error"]["details"]["errors"]
    assert (problem["field"], problem["code"]) == (f"items[20].{field}", code)
    assert problem["line"] == 21
    assert Quote.objects.count() == 0
