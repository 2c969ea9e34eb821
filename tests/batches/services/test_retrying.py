"""Unfinished items of an ended batch run again, under a price of their own."""

import threading
from typing import Any

import orjson
import pytest
from django.db import connections

from batches.content import ContentDeleted
from batches.engine.copying import copy_rows
from batches.models import Batch, Item, Manifest, ResultRow, StoredFile
from batches.selectors import attempts_of, batch_of, row_page, stream_rows
from batches.services.cancellation import cancel_batch
from batches.services.creation import Order, retry_batch, retry_quote
from batches.services.finalizing import finalize_batch
from batches.services.retention import REQUEST, delete_content
from batches.services.retrying import (
    BatchNotFinished,
    NothingToRetry,
    RetryInProgress,
    Wanted,
)
from batches.services.submission import QuoteModeDiffers, submit_quote
from batches.store import store
from batchrouter.kit import clock
from batchrouter.kit.errors import BatchRouterError, InvalidRequest
from tests.batches.conftest import Customer
from tests.factories.batches import (
    book_problems,
    make_batch,
    make_item,
    make_quote,
    run_batch,
)

# Items 1 and 3 fail: no answer is as long as they want.
LONG = {"verify": {"min_length": 90_000}}


def items(count: int = 5, **fields: Any) -> list[dict[str, Any]]:
    """Return different items, of which every other one fails."""
    return [
        make_item(
            number,
            model="deepseek-flash",
            input={"input": f"Say {number}.", "max_output_tokens": 50},
            **(LONG if number % 2 else {}),
            **fields,
        )
        for number in range(count)
    ]


def order_of(customer: Customer) -> Order:
    return Order(org=customer.org, key=customer.key, is_test=False)


def canceled(customer: Customer, count: int = 4) -> Batch:
    """Return a batch that was canceled before anything ran: no simulator is needed."""
    return end_canceled(make_batch(customer.org, items(count)))


def end_canceled(batch: Batch) -> Batch:
    cancel_batch(batch, now=clock.now())
    finalize_batch(batch.pk, now=clock.now())
    return batch_of(batch.org, batch.public_id)


def merged_rows(batch: Batch, **wishes: Any) -> list[dict[str, Any]]:
    lines = b"".join(
        stream_rows(
            batch,
            attempts=attempts_of(batch),
            **{"status": None, "with_raw": False, **wishes},
        )
    )
    return [orjson.loads(line) for line in lines.splitlines()]


class TestTheQuote:
    """What a retry is quoted for."""

    def test_is_for_the_unfinished_items_alone(self, owner: Customer) -> None:
        parent = canceled(owner, 4)

        quote = retry_quote(order_of(owner), parent, Wanted(), now=clock.now())

        assert (quote.state, quote.item_count, quote.retry_of_id) == (
            "active",
            4,
            parent.pk,
        )
        assert quote.total_nanousd == parent.quote.total_nanousd

    def test_keeps_the_items_numbers_and_bytes(self, owner: Customer) -> None:
        parent = canceled(owner, 4)
        wanted = Wanted(customer_item_ids=("item-3", "item-1"))
        blobs = sorted(store().root.glob("blobs/*/*"))
        files = StoredFile.objects.count()

        quote = retry_quote(order_of(owner), parent, wanted, now=clock.now())

        old = Item.objects.filter(manifest_id=parent.manifest_id, seq__in=[1, 3])
        new = Item.objects.filter(manifest_id=quote.manifest_id)
        fields = ("seq", "customer_item_id", "offset", "length", "input_tokens")
        assert list(new.order_by("seq").values_list(*fields)) == list(
            old.order_by("seq").values_list(*fields)
        )
        assert sorted(store().root.glob("blobs/*/*")) == blobs
        assert StoredFile.objects.count() == files

    def test_sums_the_chosen_items_only(self, owner: Customer) -> None:
        parent = canceled(owner, 4)
        wanted = Wanted(customer_item_ids=("item-0", "item-1", "item-3"))

        quote = retry_quote(order_of(owner), parent, wanted, now=clock.now())
        alone = make_quote(owner.org, [items(4)[number] for number in (0, 1, 3)])

        assert quote.total_nanousd == alone.total_nanousd
        (group,) = quote.manifest.groups.all()
        (same,) = alone.manifest.groups.all()
        assert (group.ranges, same.ranges) == (["0-1", "3-3"], ["0-2"])
        sums = ("item_count", "input_tokens", "input_tokens_max", "output_tokens",
                "output_tokens_max", "uncapped_count", "payload_bytes",
                "payload_bytes_max", "copies")  # fmt: skip
        assert [getattr(group, name) for name in sums] == [
            getattr(same, name) for name in sums
        ]

    def test_makes_the_first_chosen_of_identical_items_the_first(
        self, owner: Customer
    ) -> None:
        alike = [make_item(number, model="deepseek-flash") for number in range(4)]
        parent = make_batch(owner.org, alike, dedupe=True)
        cancel_batch(parent, now=clock.now())
        copy_rows(parent.pk)
        finalize_batch(parent.pk, now=clock.now())
        parent = batch_of(owner.org, parent.public_id)
        wanted = Wanted(customer_item_ids=("item-1", "item-2", "item-3"))

        quote = retry_quote(order_of(owner), parent, wanted, now=clock.now())

        found = Item.objects.filter(manifest_id=quote.manifest_id).order_by("seq")
        assert list(found.values_list("seq", "copy_of")) == [(1, None), (2, 1), (3, 1)]
        assert quote.reply["duplicates"]["count"] == 2


class TestRefusals:
    """A retry that cannot be, and leaves nothing behind."""

    @pytest.fixture(autouse=True)
    def _changes_nothing(self, owner: Customer) -> Any:
        self.parent = canceled(owner)
        yield
        assert Batch.objects.filter(parent__isnull=False).count() == 0
        assert Manifest.objects.filter(part_of__isnull=False).count() == 0

    def refused(self, owner: Customer, wanted: Wanted, batch: Batch | None = None,
                *, is_test: bool = False) -> BatchRouterError:  # fmt: skip
        order = Order(org=owner.org, key=owner.key, is_test=is_test)
        with pytest.raises(BatchRouterError) as caught:
            retry_batch(order, batch or self.parent, wanted, now=clock.now())
        return caught.value

    def test_of_nothing(self, owner: Customer) -> None:
        error = self.refused(owner, Wanted(only="failed"))

        assert isinstance(error, NothingToRetry)
        assert (error.code, error.status) == ("nothing_to_retry", 409)

    def test_of_no_such_error(self, owner: Customer) -> None:
        error = self.refused(owner, Wanted(error_codes=("timed_out",)))

        assert isinstance(error, NothingToRetry)

    def test_of_items_that_are_not_there(self, owner: Customer) -> None:
        error = self.refused(owner, Wanted(customer_item_ids=("item-1", "nobody")))

        assert isinstance(error, InvalidRequest)
        assert error.details == {"customer_item_ids": ["nobody"], "count": 1}

    def test_of_a_running_batch(self, owner: Customer) -> None:
        error = self.refused(owner, Wanted(), make_batch(owner.org, items(2)))

        assert isinstance(error, BatchNotFinished)
        assert (error.code, error.status) == ("batch_not_finished", 409)

    def test_of_deleted_content(self, owner: Customer) -> None:
        delete_content(self.parent, cause=REQUEST, now=clock.now())

        error = self.refused(owner, Wanted())

        assert isinstance(error, ContentDeleted)
        assert (error.code, error.status) == ("content_deleted", 410)

    def test_with_a_key_of_the_other_mode(self, owner: Customer) -> None:
        assert isinstance(self.refused(owner, Wanted(), is_test=True), QuoteModeDiffers)


def test_a_quote_is_refused_once_the_content_is_gone(owner: Customer) -> None:
    parent = canceled(owner)
    quote = retry_quote(order_of(owner), parent, Wanted(), now=clock.now())
    delete_content(parent, cause=REQUEST, now=clock.now())

    with pytest.raises(ContentDeleted):
        submit_quote(org=owner.org, quote=quote, api_key=owner.key, now=clock.now())

    quote.refresh_from_db()
    assert quote.state == "active"
    assert not parent.retries.exists()


def test_items_under_way_are_not_run_twice(owner: Customer) -> None:
    parent = canceled(owner)
    first = Wanted(customer_item_ids=("item-0", "item-1"))
    child = retry_batch(order_of(owner), parent, first, now=clock.now())

    with pytest.raises(RetryInProgress) as caught:
        retry_quote(order_of(owner), parent, Wanted(), now=clock.now())

    assert caught.value.details == {"batch_id": child.public_id}
    rest = Wanted(customer_item_ids=("item-2", "item-3"))
    other = retry_batch(order_of(owner), parent, rest, now=clock.now())
    assert [retry.pk for retry in parent.retries.order_by("id")] == [
        child.pk,
        other.pk,
    ]


def test_an_item_is_in_one_retry_of_the_whole_family(owner: Customer) -> None:
    parent = canceled(owner)
    first = end_canceled(
        retry_batch(order_of(owner), parent, Wanted(), now=clock.now())
    )
    retry_batch(order_of(owner), parent, Wanted(), now=clock.now())

    with pytest.raises(RetryInProgress):
        retry_batch(order_of(owner), first, Wanted(), now=clock.now())

    assert (parent.retries.count(), first.retries.count()) == (2, 0)


def test_of_two_quotes_for_the_same_items_one_is_accepted(owner: Customer) -> None:
    parent = canceled(owner)
    one, other = (
        retry_quote(order_of(owner), parent, Wanted(), now=clock.now())
        for _ in range(2)
    )
    submit_quote(org=owner.org, quote=one, api_key=owner.key, now=clock.now())

    with pytest.raises(RetryInProgress):
        submit_quote(org=owner.org, quote=other, api_key=owner.key, now=clock.now())

    assert parent.retries.count() == 1


@pytest.mark.usefixtures("committed_db")
def test_of_two_retries_at_once_one_is_made(owner: Customer) -> None:
    parent = canceled(owner)
    start, outcomes = threading.Barrier(2), []

    def retry() -> None:
        start.wait(60)
        try:
            retry_batch(order_of(owner), parent, Wanted(), now=clock.now())
            outcomes.append("made")
        except BatchRouterError as error:
            outcomes.append(error.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=retry) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sorted(outcomes) == ["made", "retry_in_progress"]
    assert parent.retries.count() == 1


@pytest.mark.usefixtures("simulator")
class TestTheMergedView:
    """A parent's results after a retry."""

    def test_shows_the_best_row_of_each_item(self, owner: Customer) -> None:
        parent = canceled(owner, 5)
        child = run_batch(
            retry_batch(order_of(owner), parent, Wanted(), now=clock.now())
        )

        rows = merged_rows(parent)

        assert [row["status"] for row in rows] == [
            "completed", "failed", "completed", "failed", "completed",
        ]  # fmt: skip
        assert [row["attempt"] for row in rows] == [
            {"batch_id": child.public_id, "number": 2}
        ] * 5
        assert child.parent == parent
        assert book_problems() == []

    def test_takes_a_later_failure_before_an_earlier_one(self, owner: Customer) -> None:
        parent = run_batch(make_batch(owner.org, items(3)))
        child = retry_batch(
            order_of(owner), parent, Wanted(only="failed"), now=clock.now()
        )
        before = merged_rows(parent)
        run_batch(child)
        after = merged_rows(parent)

        assert child.item_count == 1
        assert [row["attempt"]["number"] for row in before] == [1, 1, 1]
        assert [row["attempt"]["number"] for row in after] == [1, 2, 1]

    def test_filters_by_the_best_rows_status(self, owner: Customer) -> None:
        parent = canceled(owner, 5)
        run_batch(retry_batch(order_of(owner), parent, Wanted(), now=clock.now()))

        failed = merged_rows(parent, status="failed")

        assert [row["sequence_no"] for row in failed] == [1, 3]
        assert merged_rows(parent, status="canceled") == []

    def test_pages_and_streams_alike_with_the_raw_reply(self, owner: Customer) -> None:
        parent = canceled(owner, 3)
        run_batch(retry_batch(order_of(owner), parent, Wanted(), now=clock.now()))

        page = row_page(
            parent,
            after=0,
            limit=1,
            status=None,
            with_raw=True,
            attempts=attempts_of(parent),
        )

        assert [orjson.loads(row) for _, row in page] == [
            merged_rows(parent, with_raw=True)[1]
        ]
        assert "raw" in orjson.loads(page[0][1])

    def test_leaves_out_a_retry_whose_content_was_deleted(
        self, owner: Customer
    ) -> None:
        parent = canceled(owner, 2)
        child = run_batch(
            retry_batch(order_of(owner), parent, Wanted(), now=clock.now())
        )
        known = attempts_of(parent)
        delete_content(child, cause=REQUEST, now=clock.now())

        rows = row_page(parent, after=-1, limit=2, status=None, with_raw=False,
                        attempts=known)  # fmt: skip

        shown = [orjson.loads(row)["attempt"] for _, row in rows]
        assert shown == [{"batch_id": parent.public_id, "number": 1}] * 2

    def test_reaches_down_to_a_retry_of_a_retry(self, owner: Customer) -> None:
        parent = canceled(owner, 3)
        child = retry_batch(order_of(owner), parent, Wanted(), now=clock.now())
        cancel_batch(child, now=clock.now())
        finalize_batch(child.pk, now=clock.now())
        child = batch_of(owner.org, child.public_id)
        last = retry_batch(order_of(owner), child, Wanted(), now=clock.now())
        run_batch(last)

        rows = merged_rows(parent)

        assert {row["attempt"]["batch_id"] for row in rows} == {last.public_id}
        assert {row["attempt"]["number"] for row in rows} == {3}
        assert ResultRow.objects.filter(batch_id=last.pk).count() == 3
