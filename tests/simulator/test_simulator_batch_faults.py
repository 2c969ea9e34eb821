"""Faults that strike a native batch or single rows of it."""

from typing import Any

import httpx2 as httpx
import openai
import pytest
from openai import OpenAI

from tests.simulator.conftest import (
    Json,
    RunBatch,
    create_batch,
    finished,
    responses_line,
    rows_of,
    wait_for_status,
)
from tests.support.simulator import SimulatorProcess


def lines(count: int, marked: str = "") -> list[Json]:
    """Return plain lines, the second of them with ``marked`` in its text."""
    return [
        responses_line(f"item-{n}", f"{marked if n == 1 else ''} Topic {n}.")
        for n in range(count)
    ]


def strike(simulator: SimulatorProcess, kind: str, **options: Any) -> None:
    simulator.post_fault({"match": {}, "fault": {"kind": kind, **options}, "times": 1})


def ids(rows: list[Json]) -> list[str]:
    return sorted(row["custom_id"] for row in rows)


def test_a_missing_row_is_billed_but_in_no_file(
    simulator: SimulatorProcess, client: OpenAI, run_batch: RunBatch
) -> None:
    batch = run_batch(lines(3, "[[sim:missing]]"))

    assert ids(rows_of(client, batch.output_file_id)) == ["item-0", "item-2"]
    assert batch.error_file_id is None
    assert simulator.accepted("item-1") == {"item-1": 1}


def test_a_duplicate_row_comes_twice(
    simulator: SimulatorProcess, client: OpenAI, run_batch: RunBatch
) -> None:
    batch = run_batch(lines(2, "[[sim:duplicate]]"))

    assert ids(rows_of(client, batch.output_file_id)) == ["item-0", "item-1", "item-1"]
    assert simulator.accepted("item-1") == {"item-1": 1}


def test_a_truncated_file_ends_inside_a_row(
    client: OpenAI, run_batch: RunBatch
) -> None:
    batch = run_batch(lines(6, "[[sim:truncate]]"))
    assert batch.output_file_id is not None
    text = client.files.content(batch.output_file_id).text

    assert not text.endswith("\n")
    assert '"custom_id":"item-1"' in text.splitlines()[-2]


def test_a_row_may_fail_with_a_status(client: OpenAI, run_batch: RunBatch) -> None:
    batch = run_batch(lines(2, "[[sim:429]]"))
    [row] = rows_of(client, batch.error_file_id)

    assert (row["custom_id"], row["response"]["status_code"]) == ("item-1", 429)


def test_a_rule_reaches_rows_by_its_path(
    simulator: SimulatorProcess, client: OpenAI, run_batch: RunBatch
) -> None:
    simulator.post_fault(
        {"match": {"path": "batch_row"}, "fault": {"kind": "500"}, "every": 2}
    )
    batch = run_batch(lines(4))

    assert ids(rows_of(client, batch.error_file_id)) == ["item-1", "item-3"]


def test_an_expired_batch_has_partial_output(
    simulator: SimulatorProcess, client: OpenAI, run_batch: RunBatch
) -> None:
    strike(simulator, "expire", fraction=0.5)
    batch = run_batch(lines(4))
    undone = rows_of(client, batch.error_file_id)

    assert batch.status == "expired"
    assert ids(rows_of(client, batch.output_file_id)) == ["item-0", "item-1"]
    assert ids(undone) == ["item-2", "item-3"]
    assert {row["error"]["code"] for row in undone} == {"batch_expired"}
    assert set(simulator.accepted()) == {"item-0", "item-1"}


def test_when_all_rows_fail_there_is_no_output_file(
    simulator: SimulatorProcess, client: OpenAI, run_batch: RunBatch
) -> None:
    strike(simulator, "all_failed")
    batch = run_batch(lines(2))

    assert (batch.status, batch.output_file_id) == ("completed", None)
    assert len(rows_of(client, batch.error_file_id)) == 2


def test_validation_can_be_made_to_fail(
    simulator: SimulatorProcess, run_batch: RunBatch
) -> None:
    strike(simulator, "fail_validation", code="token_limit_exceeded")
    batch = run_batch(lines(1))

    assert batch.status == "failed"
    assert batch.errors is not None
    assert [e.code for e in batch.errors.data or []] == ["token_limit_exceeded"]


def test_a_completed_batch_may_lag_behind_with_its_files(
    simulator: SimulatorProcess, client: OpenAI, run_batch: RunBatch
) -> None:
    strike(simulator, "no_output_lag", polls=2)
    first = run_batch(lines(1))
    second, third = (client.batches.retrieve(first.id) for _ in range(2))

    assert [first.output_file_id, second.output_file_id] == [None, None]
    assert third.output_file_id is not None


def test_a_stuck_batch_stays_in_progress_until_cancelled(
    simulator: SimulatorProcess, client: OpenAI
) -> None:
    strike(simulator, "stuck")
    batch = create_batch(client, lines(2))
    wait_for_status(client, batch.id, "in_progress")

    with pytest.raises(AssertionError, match="still in_progress"):
        finished(client, batch, seconds=0.4)
    client.batches.cancel(batch.id)
    assert finished(client, batch).status == "cancelled"


def test_a_status_may_be_one_nobody_knows(
    simulator: SimulatorProcess, client: OpenAI
) -> None:
    strike(simulator, "status", value="napping", polls=1)
    batch = create_batch(client, lines(1))
    url = f"{simulator.url}/v1/batches/{batch.id}"

    assert httpx.get(url).json()["status"] == "napping"
    assert finished(client, batch).status == "completed"


@pytest.mark.parametrize("kind", ["create_reset_after", "create_500_after"])
def test_a_batch_exists_although_its_creation_went_unanswered(
    simulator: SimulatorProcess, client: OpenAI, kind: str
) -> None:
    strike(simulator, kind)
    with pytest.raises(openai.APIError):
        create_batch(client, lines(1), metadata={"client_ref": kind})
    newest = client.batches.list(limit=1).data[0]

    assert newest.metadata == {"client_ref": kind}
    assert simulator.stats()["batches_created"] == 1


def test_a_refused_creation_leaves_no_batch(
    simulator: SimulatorProcess, client: OpenAI
) -> None:
    simulator.post_fault({"match": {"path": "batch"}, "fault": {"kind": "503"}})

    with pytest.raises(openai.InternalServerError):
        create_batch(client, lines(1))
    assert simulator.stats()["batches_created"] == 0


def test_a_cancel_may_lose_the_race(
    simulator: SimulatorProcess, client: OpenAI
) -> None:
    strike(simulator, "ignore_cancel")
    batch = create_batch(client, lines(1))
    client.batches.cancel(batch.id)

    assert finished(client, batch).status == "completed"


def test_a_rule_can_make_one_batch_slow(
    simulator: SimulatorProcess, client: OpenAI, run_batch: RunBatch
) -> None:
    strike(simulator, "duration", seconds=0.9)
    batch = create_batch(client, lines(1))

    with pytest.raises(AssertionError, match="still"):
        finished(client, batch, seconds=0.6)
    assert finished(client, batch).status == "completed"


def test_a_batch_rule_can_match_the_metadata(
    simulator: SimulatorProcess, client: OpenAI
) -> None:
    simulator.post_fault(
        {"match": {"contains": "unlucky"}, "fault": {"kind": "all_failed"}}
    )
    lucky = create_batch(client, lines(1), metadata={"client_ref": "lucky-1"})
    other = create_batch(client, lines(1), metadata={"client_ref": "unlucky-1"})

    assert finished(client, lucky).output_file_id is not None
    assert finished(client, other).output_file_id is None
