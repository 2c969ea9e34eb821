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
    strict_client,
    wait_for_status,
)
from tests.support.simulator import SimulatorProcess


def lines(count: int) -> list[Json]:
    return [
        responses_line(f"item-{n}", f"Tell me about topic {n}.") for n in range(count)
    ]


def test_a_batch_completes_with_one_row_per_line(
    client: OpenAI, run_batch: RunBatch
) -> None:
    batch = run_batch(lines(30))
    rows = rows_of(client, batch.output_file_id)

    assert batch.status == "completed"
    assert batch.error_file_id is None
    assert sorted(row["custom_id"] for row in rows) == sorted(
        f"item-{n}" for n in range(30)
    )


def test_rows_come_in_another_order_than_the_lines(
    client: OpenAI, run_batch: RunBatch
) -> None:
    batch = run_batch(lines(5))
    order = [row["custom_id"] for row in rows_of(client, batch.output_file_id)]

    assert order != [f"item-{n}" for n in range(5)]


def test_a_row_holds_the_whole_reply(client: OpenAI, run_batch: RunBatch) -> None:
    batch = run_batch(lines(1))
    [row] = rows_of(client, batch.output_file_id)

    assert row["id"].startswith("batch_req_")
    assert row["error"] is None
    assert row["response"]["status_code"] == 200
    assert row["response"]["body"]["object"] == "response"
    assert batch.usage is not None
    assert batch.usage.input_tokens == row["response"]["body"]["usage"]["input_tokens"]


def test_the_states_come_in_order_and_counts_move(
    simulator: SimulatorProcess, client: OpenAI
) -> None:
    simulator.settings(batch_seconds=0.8)
    batch = create_batch(client, lines(40))
    states, counts = [batch.status], set()
    while batch.status != "completed":
        batch = client.batches.retrieve(batch.id)
        if batch.status != states[-1]:
            states.append(batch.status)
        assert batch.request_counts is not None
        counts.add(batch.request_counts.completed)
    simulator.settings(batch_seconds=0.15)

    assert states == ["validating", "in_progress", "finalizing", "completed"]
    assert len(counts) > 5


def test_the_metadata_can_be_found_in_the_list(client: OpenAI) -> None:
    made = create_batch(client, lines(1), metadata={"client_ref": "ref-1"})

    found = [batch for batch in client.batches.list(limit=5).data if batch.metadata]

    assert (found[0].id, found[0].metadata) == (made.id, {"client_ref": "ref-1"})


def test_the_list_goes_on_after_a_batch(client: OpenAI) -> None:
    made = [create_batch(client, lines(1)).id for _ in range(3)]

    assert [batch.id for batch in client.batches.list(limit=1, after=made[2]).data] == [
        made[1]
    ]


def test_a_line_with_a_bad_body_goes_to_the_error_file(
    client: OpenAI, run_batch: RunBatch
) -> None:
    batch = run_batch([*lines(2), responses_line("bad", "hi", max_output_tokens=3)])
    [row] = rows_of(client, batch.error_file_id)

    assert row["custom_id"] == "bad"
    assert row["response"]["status_code"] == 400
    assert row["response"]["body"]["error"]["param"] == "max_output_tokens"
    assert batch.request_counts is not None
    assert batch.request_counts.failed == 1


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b"{oops\n", "invalid_json_line"),
        ([responses_line("a", "x"), responses_line("a", "y")], "duplicate_custom_id"),
        (
            [responses_line("a", "x"), responses_line("b", "y", model="gpt-5.5")],
            "model_mismatch",
        ),
        ([{**responses_line("a", "x"), "url": "/v1/embeddings"}], "url_mismatch"),
    ],
)
def test_a_bad_file_fails_the_batch(
    run_batch: RunBatch, data: list[Json] | bytes, code: str
) -> None:
    batch = run_batch(data)

    assert batch.status == "failed"
    assert batch.errors is not None
    assert [error.code for error in batch.errors.data or []] == [code]
    assert batch.output_file_id is None


def test_an_error_names_its_line(run_batch: RunBatch) -> None:
    batch = run_batch([*lines(2), responses_line("item-0", "again")])

    assert batch.errors is not None
    assert [error.line for error in batch.errors.data or []] == [3]


def test_a_cancelled_batch_keeps_the_rows_that_ran(
    simulator: SimulatorProcess, client: OpenAI
) -> None:
    simulator.settings(batch_seconds=1.5)
    batch = create_batch(client, lines(100))
    while (batch.request_counts and batch.request_counts.completed) in (None, 0):
        batch = client.batches.retrieve(batch.id)
    assert client.batches.cancel(batch.id).status == "cancelling"
    batch = finished(client, batch)
    simulator.settings(batch_seconds=0.15)
    done = rows_of(client, batch.output_file_id)
    undone = rows_of(client, batch.error_file_id)

    assert batch.status == "cancelled"
    assert len(done) + len(undone) == 100
    assert len(done) > 0
    assert {row["error"]["code"] for row in undone} == {"batch_cancelled"}


def test_an_ended_batch_cannot_be_cancelled(
    client: OpenAI, run_batch: RunBatch
) -> None:
    batch = run_batch(lines(1))

    with pytest.raises(openai.ConflictError):
        client.batches.cancel(batch.id)


def test_an_unknown_input_file_is_refused(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.batches.create(
            input_file_id="file-none",
            endpoint="/v1/responses",
            completion_window="24h",
        )

    assert refused.value.param == "input_file_id"


def test_an_unknown_batch_is_not_found(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.batches.retrieve("batch_none")


def test_a_restart_loses_neither_rows_nor_counts() -> None:
    with SimulatorProcess(batch_seconds=1.0) as process:
        client = strict_client(process.url + "/openai/v1")
        batch = create_batch(client, lines(200))
        wait_for_status(client, batch.id, "in_progress")
        process.restart()
        batch = finished(client, batch)
        rows = rows_of(client, batch.output_file_id)

        assert len({row["custom_id"] for row in rows}) == len(rows) == 200
        assert set(process.accepted("item-").values()) == {1}
        client.close()
