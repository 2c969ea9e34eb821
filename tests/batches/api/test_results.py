"""GET /v1/batches/{id}/results, and what an ended batch says of itself."""

from typing import Any

import orjson
import pytest

from batches.models import Batch, ResultRow
from batches.services.finalizing import finalize_batch
from batchrouter.kit import clock
from tests.batches.conftest import Customer
from tests.factories.batches import (
    make_batch,
    make_item,
    make_items,
    run_batch,
    run_units,
)
from tests.support.api_client import error_of

pytestmark = pytest.mark.usefixtures("simulator")

# DeepSeek has direct calls only, OpenAI a native batch.
DIRECT: dict[str, Any] = {"model": "deepseek-flash"}


def path_of(batch: Batch, query: str = "") -> str:
    return f"/v1/batches/{batch.public_id}/results{query}"


def page_of(owner: Customer, batch: Batch, query: str = "") -> dict[str, Any]:
    response = owner.api.get(path_of(batch, query))
    assert response.status_code == 200, response.content
    assert response.headers["Content-Type"] == "application/json"
    found: dict[str, Any] = response.json()
    return found


def test_a_native_batch_completes_with_its_rows(owner: Customer) -> None:
    batch = run_batch(make_batch(owner.org, make_items(3)))

    page = page_of(owner, batch)
    assert batch.state == "completed"
    assert (page["state"], page["complete"]) == ("completed", True)
    assert [row["customer_item_id"] for row in page["data"]] == [
        "item-0",
        "item-1",
        "item-2",
    ]
    assert {row["lane"] for row in page["data"]} == {"openai:batch"}
    assert {row["status"] for row in page["data"]} == {"completed"}


def test_a_direct_batch_completes_with_its_rows(owner: Customer) -> None:
    batch = run_batch(make_batch(owner.org, make_items(3, **DIRECT)))

    page = page_of(owner, batch)
    assert {row["lane"] for row in page["data"]} == {"deepseek:direct"}
    assert page["counts"]["completed"] == 3


def test_a_row_has_the_documented_fields_and_no_raw_reply(owner: Customer) -> None:
    batch = run_batch(make_batch(owner.org, make_items(1, **DIRECT)))

    (row,) = page_of(owner, batch)["data"]
    assert set(row) == {
        "customer_item_id",
        "item_id",
        "sequence_no",
        "operation",
        "status",
        "provider",
        "model",
        "provider_model",
        "lane",
        "attempts",
        "dropped_fields",
        "output",
        "preview",
        "repaired",
        "usage",
        "cost",
        "golden",
        "verification",
        "error",
        "started_at",
        "completed_at",
    }
    assert row["output"]["text"]
    assert row["error"] is None


def test_the_raw_reply_comes_on_request(owner: Customer) -> None:
    batch = run_batch(make_batch(owner.org, make_items(1, **DIRECT)))

    (row,) = page_of(owner, batch, "?include=raw")["data"]
    assert row["raw"]["choices"][0]["message"]["content"] == row["output"]["text"]


def test_pages_walk_the_rows_in_input_order(owner: Customer) -> None:
    batch = run_batch(make_batch(owner.org, make_items(5, **DIRECT)))

    seen, query = [], "?limit=2"
    while True:
        page = page_of(owner, batch, query)
        seen.append([row["sequence_no"] for row in page["data"]])
        if not page["has_more"]:
            break
        query = f"?limit=2&cursor={page['next_cursor']}"

    assert seen == [[0, 1], [2, 3], [4]]
    assert page["next_cursor"] is None


def test_a_cursor_of_another_filter_is_refused(owner: Customer) -> None:
    batch = run_batch(make_batch(owner.org, make_items(3, **DIRECT)))
    cursor = page_of(owner, batch, "?limit=1")["next_cursor"]

    response = owner.api.get(path_of(batch, f"?status=failed&cursor={cursor}"))

    assert error_of(response) == (400, "invalid_cursor")


def test_rows_are_filtered_by_status(owner: Customer) -> None:
    refused = make_item(1, **DIRECT, input="[[sim:400]] Say hello.")
    items = [make_item(0, **DIRECT), refused, make_item(2, **DIRECT)]
    batch = run_batch(make_batch(owner.org, items))

    (failed,) = page_of(owner, batch, "?status=failed")["data"]
    completed = page_of(owner, batch, "?status=completed")["data"]

    assert failed["sequence_no"] == 1
    assert failed["error"]["code"] == "provider_rejected_request"
    assert failed["cost"]["charge"] == "0.00"
    assert [row["sequence_no"] for row in completed] == [0, 2]


def test_all_rows_stream_as_lines(owner: Customer) -> None:
    batch = run_batch(make_batch(owner.org, make_items(4, **DIRECT)))

    response = owner.api.get(path_of(batch), accept="application/x-ndjson")

    lines = b"".join(response.streaming_content).splitlines()
    assert response.headers["Content-Type"] == "application/x-ndjson"
    assert [orjson.loads(line)["sequence_no"] for line in lines] == [0, 1, 2, 3]
    assert "raw" not in orjson.loads(lines[0])


def test_rows_that_exist_are_shown_before_the_batch_is_complete(
    owner: Customer,
) -> None:
    batch = make_batch(owner.org, make_items(2, **DIRECT))
    run_units(batch)

    page = page_of(owner, batch)

    assert page["complete"] is False
    assert len(page["data"]) == 2
    assert page["counts"]["completed"] == 2


def test_a_stream_of_a_running_batch_ends_with_a_line_that_says_so(
    owner: Customer,
) -> None:
    batch = make_batch(owner.org, make_items(2, **DIRECT))
    run_units(batch)

    response = owner.api.get(path_of(batch), accept="application/x-ndjson")

    *rows, end = map(orjson.loads, b"".join(response.streaming_content).splitlines())
    assert [row["sequence_no"] for row in rows] == [0, 1]
    assert end == {
        "object": "results.end",
        "batch_id": batch.public_id,
        "state": "running",
        "complete": False,
        "counts": {
            "total": 2,
            "pending": 0,
            "running": 0,
            "completed": 2,
            "failed": 0,
            "canceled": 0,
            "expired": 0,
        },
        "error": None,
    }


def test_a_batch_without_rows_has_an_empty_page(owner: Customer) -> None:
    batch = make_batch(owner.org)

    page = page_of(owner, batch)

    assert (page["data"], page["has_more"], page["complete"]) == ([], False, False)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("?status=done", "status"),
        ("?include=all", "include"),
        ("?limit=0", "limit"),
        ("?limit=101", "limit"),
        ("?limit=1&limit=2", "limit"),
        ("?status=failed&status=review", "status"),
        ("?cursor=abc", "cursor"),
    ],
)
def test_a_malformed_query_is_refused_by_name(
    owner: Customer, query: str, param: str
) -> None:
    batch = make_batch(owner.org)

    response = owner.api.get(path_of(batch, query))

    assert response.status_code == 400
    assert response.json()["error"]["param"] == param


def test_a_strangers_rows_are_not_found(owner: Customer, stranger: Customer) -> None:
    batch = make_batch(owner.org)

    assert error_of(stranger.api.get(path_of(batch))) == (404, "not_found")


def test_finalizing_twice_changes_nothing(owner: Customer) -> None:
    batch = run_batch(make_batch(owner.org, make_items(2, **DIRECT)))

    finalize_batch(batch.pk, now=clock.now())

    again = Batch.objects.get(pk=batch.pk)
    assert again.completed_at == batch.completed_at
    assert again.output_file_id == batch.output_file_id


def test_an_item_that_wants_review_is_delivered_apart(owner: Customer) -> None:
    verify = {"regex": "no answer holds this", "on_fail": "review"}
    batch = run_batch(make_batch(owner.org, [make_item(verify=verify, **DIRECT)]))

    (row,) = page_of(owner, batch, "?status=review")["data"]
    assert row["verification"]["passed"] is False
    assert batch.review_file is not None
    assert batch.output_file is None
    assert ResultRow.objects.get(batch_id=batch.pk).subtotal_nanousd > 0
