"""Reads of the main job."""

from typing import Any

import pytest

from batches.selectors import progress_of, row_page, stream_rows
from batches.services.dispatch import dispatch_batch
from batchrouter.kit import clock
from tests.batches.conftest import Customer
from tests.factories.batches import make_batch, make_items, run_batch

DIRECT: dict[str, Any] = {"model": "deepseek-flash"}


def test_everything_is_pending_before_the_first_unit(owner: Customer) -> None:
    progress = progress_of(make_batch(owner.org, make_items(3)))

    assert progress.counts()["pending"] == 3
    assert progress.done == 0


def test_waiting_units_are_not_running(owner: Customer) -> None:
    batch = make_batch(owner.org, make_items(3))
    dispatch_batch(batch.pk, now=clock.now())

    assert progress_of(batch).counts()["running"] == 0


@pytest.mark.usefixtures("simulator")
class TestRows:
    """Rows of a batch that ran."""

    def test_a_page_begins_after_a_row(self, owner: Customer) -> None:
        batch = run_batch(make_batch(owner.org, make_items(5, **DIRECT)))

        page = row_page(batch, after=1, limit=2, status=None, with_raw=False)

        assert [seq for seq, _ in page] == [2, 3]

    def test_a_stream_in_small_chunks_holds_each_row_once(
        self, owner: Customer
    ) -> None:
        batch = run_batch(make_batch(owner.org, make_items(5, **DIRECT)))

        chunks = list(stream_rows(batch, status=None, with_raw=True, chunk=2))

        assert [chunk.count(b"\n") for chunk in chunks] == [2, 2, 1]

    def test_a_stream_is_the_output_file(self, owner: Customer) -> None:
        batch = run_batch(make_batch(owner.org, make_items(3, **DIRECT)))

        streamed = b"".join(stream_rows(batch, status=None, with_raw=True))

        assert batch.output_file is not None
        reply = owner.api.get(f"/v1/files/{batch.output_file.public_id}/content")
        assert streamed == b"".join(reply.streaming_content)
