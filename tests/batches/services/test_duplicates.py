"""Identical items run once, are billed once, and each gets its row."""

from typing import Any

import orjson
import pytest

from batches.engine.copying import copy_rows
from batches.models import Batch, Execution, Item, ResultRow, WorkUnit
from batches.models.work_unit import COPIES
from batches.selectors import progress_of, stream_rows
from batches.services.cancellation import cancel_batch
from batches.services.finalizing import finalize_batch
from batches.states import UnitState
from batchrouter.kit import clock
from batchrouter.kit.money import format_usd
from billing.receipts import receipt_json
from billing.selectors import receipt_for
from tests.batches.conftest import Customer
from tests.batches.engine.builders import NATIVE, dispatched
from tests.factories.batches import (
    book_problems,
    make_batch,
    make_item,
    make_quote,
    run_batch,
    run_units,
)

LANE: dict[str, Any] = {"model": "deepseek-flash"}


def asking(number: int, text: str, **fields: Any) -> dict[str, Any]:
    """Return an item with this text."""
    source = {"input": text, "max_output_tokens": 50}
    return make_item(number, input=source, **{**LANE, **fields})


# Items 2, 3 and 5 repeat 0, 0 and 1.
ITEMS = [
    asking(0, "Say one."),
    asking(1, "Say two."),
    asking(2, "Say one."),
    asking(3, "Say one.", metadata={"row": "3"}),
    asking(4, "Say three."),
    asking(5, "Say two."),
]


def rows_of(batch: Batch) -> list[dict[str, Any]]:
    """Return all rows of a batch as the API streams them."""
    lines = b"".join(stream_rows(batch, status=None, with_raw=True))
    return [orjson.loads(line) for line in lines.splitlines()]


def test_items_name_the_first_of_their_kind(owner: Customer) -> None:
    quote = make_quote(owner.org, ITEMS)

    firsts = Item.objects.filter(manifest_id=quote.manifest_id).order_by("seq")
    assert list(firsts.values_list("copy_of", flat=True)) == [
        None, None, 0, 0, None, 1,
    ]  # fmt: skip
    assert quote.manifest.duplicates == 3


class TestTheQuote:
    """What a quote says of duplicates."""

    def test_costs_what_the_items_without_their_copies_cost(
        self, owner: Customer
    ) -> None:
        once = make_quote(owner.org, [ITEMS[0], ITEMS[1], ITEMS[4]])
        collapsed = make_quote(owner.org, ITEMS, dedupe=True)

        assert collapsed.total_nanousd == once.total_nanousd
        assert collapsed.expected_total_nanousd == once.expected_total_nanousd
        assert collapsed.item_count == 6

    def test_saves_the_difference_to_running_all(self, owner: Customer) -> None:
        apart = make_quote(owner.org, ITEMS)
        collapsed = make_quote(owner.org, ITEMS, dedupe=True)

        saved = apart.total_nanousd - collapsed.total_nanousd
        assert collapsed.reply["duplicates"] == {
            "count": 3,
            "collapsed": True,
            "saved": format_usd(saved),
        }
        assert saved > 0

    def test_saves_nothing_where_nobody_asked(self, owner: Customer) -> None:
        assert make_quote(owner.org, ITEMS).reply["duplicates"] == {
            "count": 3,
            "collapsed": False,
            "saved": "0.00",
        }

    def test_says_so_where_there_are_none(self, owner: Customer) -> None:
        quote = make_quote(owner.org, ITEMS[:2], dedupe=True)

        assert quote.reply["duplicates"] == {
            "count": 0,
            "collapsed": True,
            "saved": "0.00",
        }


@pytest.mark.usefixtures("simulator")
class TestTheRun:
    """A batch with copies, taken to its end."""

    def test_asks_a_provider_once_for_each_kind(self, owner: Customer) -> None:
        batch = run_batch(make_batch(owner.org, ITEMS, dedupe=True))

        counts = Execution.objects.filter(batch=batch).values_list(
            "item_count", flat=True
        )
        assert sum(counts) == 3
        assert batch.result_counts == {
            "total": 6,
            "pending": 0,
            "running": 0,
            "completed": 6,
            "failed": 0,
            "canceled": 0,
            "expired": 0,
        }
        assert book_problems() == []

    def test_gives_a_copy_the_answer_under_its_own_name(self, owner: Customer) -> None:
        batch = run_batch(make_batch(owner.org, ITEMS, dedupe=True))

        rows = rows_of(batch)
        first, copy = rows[0], rows[3]
        assert copy["copy_of"] == {
            "customer_item_id": "item-0",
            "item_id": first["item_id"],
            "sequence_no": 0,
            "output_repeated": True,
        }
        assert (copy["customer_item_id"], copy["sequence_no"]) == ("item-3", 3)
        assert copy["item_id"] != first["item_id"]
        assert copy["output"] == first["output"]
        assert copy["raw"] is None
        assert (copy["usage"]["total_tokens"], copy["usage"]["source"]) == (0, "copy")
        assert copy["cost"]["charge"] == "0.00"
        assert [row["sequence_no"] for row in rows] == [0, 1, 2, 3, 4, 5]
        assert ["copy_of" in row for row in rows] == [
            False, False, True, True, False, True,
        ]  # fmt: skip

    def test_bills_each_kind_once(self, owner: Customer) -> None:
        batch = run_batch(make_batch(owner.org, ITEMS, dedupe=True))
        alone = run_batch(
            make_batch(owner.org, [ITEMS[0], ITEMS[1], ITEMS[4]], dedupe=True)
        )

        assert batch.charged_nanousd == alone.charged_nanousd

    def test_credits_the_copies_in_both_receipts(self, owner: Customer) -> None:
        batch = run_batch(make_batch(owner.org, ITEMS, dedupe=True))

        by_seq = dict(
            ResultRow.objects.filter(batch_id=batch.pk).values_list(
                "seq", "charge_nanousd"
            )
        )
        told = {
            "items": 3,
            "delivered": 3,
            "credited": format_usd(2 * by_seq[0] + by_seq[1]),
        }
        for kind in ("route", "billing"):
            receipt = receipt_for(owner.org, kind=kind, purpose=batch.purpose)
            assert receipt is not None
            assert receipt_json(receipt)["receipt"]["duplicates"] == told
        assert (by_seq[2], by_seq[3], by_seq[5]) == (0, 0, 0)

    def test_runs_every_item_where_nobody_asked(self, owner: Customer) -> None:
        batch = run_batch(make_batch(owner.org, ITEMS))

        assert not any("copy_of" in row for row in rows_of(batch))
        receipt = receipt_for(owner.org, kind="billing", purpose=batch.purpose)
        assert receipt is not None
        assert receipt_json(receipt)["receipt"]["duplicates"] == {
            "items": 0,
            "delivered": 0,
            "credited": "0.00",
        }

    def test_serves_native_jobs_alike(self, owner: Customer) -> None:
        items = [asking(n, "Say one.", model="gpt-5.4-mini") for n in range(4)]
        batch = dispatched(owner.org, items, NATIVE, dedupe=True)

        batch = run_batch(batch)

        execution = Execution.objects.get(batch=batch)
        assert (execution.mode, execution.item_count) == ("batch", 1)
        assert [row["status"] for row in rows_of(batch)] == ["completed"] * 4

    def test_fails_a_copy_as_its_first_failed(self, owner: Customer) -> None:
        hard = {"verify": {"min_length": 90_000}}
        items = [asking(n, "Say one.", **hard) for n in range(3)]

        batch = run_batch(make_batch(owner.org, items, dedupe=True))

        rows = rows_of(batch)
        assert [row["status"] for row in rows] == ["failed"] * 3
        assert [row["error"]["code"] for row in rows] == ["verification_failed"] * 3
        assert rows[2]["copy_of"]["output_repeated"] is False
        assert batch.charged_nanousd == 0

    def test_copies_twice_without_effect(self, owner: Customer) -> None:
        batch = make_batch(owner.org, ITEMS, dedupe=True)
        run_units(batch)
        before = list(ResultRow.objects.filter(batch_id=batch.pk).values_list())

        copy_rows(batch.pk)
        copy_rows(batch.pk)

        after = list(ResultRow.objects.filter(batch_id=batch.pk).values_list())
        assert after == before


def test_copies_wait_for_their_first_rows(owner: Customer) -> None:
    batch = dispatched(owner.org, ITEMS, ("deepseek", "direct"), dedupe=True)

    copy_rows(batch.pk)

    unit = WorkUnit.objects.get(batch=batch, mode=COPIES)
    assert (unit.state, unit.item_count, unit.row_count) == (UnitState.READY, 3, 0)
    assert progress_of(batch).counts()["pending"] == 6


def test_a_canceled_batch_cancels_its_copies(owner: Customer) -> None:
    batch = make_batch(owner.org, ITEMS, dedupe=True)
    cancel_batch(batch, now=clock.now())

    copy_rows(batch.pk)
    finalize_batch(batch.pk, now=clock.now())

    batch.refresh_from_db()
    assert batch.state == "canceled"
    assert [row["status"] for row in rows_of(batch)] == ["canceled"] * 6
    assert batch.charged_nanousd == 0
    assert book_problems() == []


def test_an_item_keeps_its_own_run_where_it_differs_in_a_schemas_order(
    owner: Customer,
) -> None:
    first = {"type": "object", "properties": {"a": {}, "b": {}}}
    second = {"type": "object", "properties": {"b": {}, "a": {}}}
    items = [
        make_item(
            number,
            input={
                "input": "Say one.",
                "text": {
                    "format": {"type": "json_schema", "name": "n", "schema": schema}
                },
            },
        )
        for number, schema in enumerate([first, second])
    ]

    quote = make_quote(owner.org, items, dedupe=True)

    assert quote.reply["duplicates"]["count"] == 0
