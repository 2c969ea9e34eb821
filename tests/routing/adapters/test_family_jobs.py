"""The job adapters of OpenAI's family against the simulator, each on its own wire."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from batchrouter.kit.outbound import ControlClient
from routing.adapters.fireworks_jobs import FireworksJobs
from routing.adapters.groq_jobs import GroqJobs
from routing.adapters.openrouter_jobs import OpenRouterJobs
from routing.adapters.together_jobs import TogetherJobs
from routing.contracts import Answer, Connection, JobAdapter, JobState, OtherOrders
from routing.failures import FailureKind, JobOutcomeUnknown, JobRefused
from tests.routing.orders import make_order, no_others, open_fence
from tests.routing.values import make_item
from tests.support.simulator import SimulatorProcess

pytestmark = pytest.mark.processes

PATHS = {
    "groq": "/groq/openai/v1",
    "together": "/together/v1",
    "fireworks": "/fireworks/inference/v1",
    "openrouter": "/openrouter/api/v1",
}
ADAPTERS: dict[str, Any] = {
    "groq": GroqJobs,
    "together": TogetherJobs,
    "fireworks": FireworksJobs,
    "openrouter": OpenRouterJobs,
}
MODEL = "vendor/model"


@dataclass
class Lane:
    """One provider's adapter and where it works."""

    provider: str
    jobs: JobAdapter
    connection: Connection
    simulator: SimulatorProcess
    folder: Path

    def submit(self, *texts: str, client_ref: str = "exe_01") -> str:
        file = self.folder / "in.jsonl"
        lines = [
            self.jobs.encode_line(
                make_item(
                    ref=f"{client_ref}-{place}",
                    provider_model=MODEL,
                    input={"input": text},
                ),
                self.connection,
            )
            for place, text in enumerate(texts)
        ]
        file.write_bytes(b"".join(lines))
        order = make_order(client_ref, provider_model=MODEL, item_count=len(texts))
        return self.jobs.submit(self.connection, file, order, fence=open_fence)

    def found(self, client_ref: str = "exe_01", **changes: Any) -> str | None:
        order = make_order(client_ref, provider_model=MODEL, **changes)
        return self.jobs.find(self.connection, order, others=no_others)

    def ended(self, job_id: str) -> JobState:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            state = self.jobs.poll(self.connection, job_id)
            if state.phase == "ended":
                return state
            time.sleep(0.05)
        raise AssertionError("the job did not end")

    def rows(self, state: JobState) -> list[tuple[str, Answer]]:
        return list(self.jobs.results(self.connection, state, self.folder))

    def run(self, *texts: str) -> tuple[JobState, list[tuple[str, Answer]]]:
        state = self.ended(self.submit(*texts))
        return state, self.rows(state)

    def script(self, path: str, **fault: Any) -> None:
        self.simulator.post_fault({"match": {"path": path}, "fault": fault})


@pytest.fixture(scope="module")
def process() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(batch_seconds=0.1) as running:
        yield running


@pytest.fixture(params=list(PATHS))
def lane(
    request: pytest.FixtureRequest, process: SimulatorProcess, tmp_path: Path
) -> Iterator[Lane]:
    # The simulator keeps jobs, so each test has an account of its own at Fireworks
    # and looks at no jobs but those that were made since.
    process.clear_faults()
    process.restart(data_dir=tmp_path / "simulator")
    client = ControlClient()
    provider = request.param
    connection = Connection(
        provider, process.url + PATHS[provider], "key", is_sandbox=True
    )
    yield Lane(provider, ADAPTERS[provider](client), connection, process, tmp_path)
    client.close()


def test_a_job_runs_from_file_to_answers(lane: Lane) -> None:
    state, rows = lane.run("First text.", "Second text.")

    assert (state.phase, state.ended_as) == ("ended", "ok")
    assert sorted(ref for ref, _ in rows) == ["exe_01-0", "exe_01-1"]
    for _, answer in rows:
        assert answer.failure is None
        assert answer.provider_model == MODEL
        assert answer.output is not None
        assert answer.output.text
        assert answer.output.finish_reason == "stop"
        assert answer.usage is not None
        assert answer.usage.input_tokens > 0
    assert lane.simulator.accepted("exe_01") == {"exe_01-0": 1, "exe_01-1": 1}


def test_nothing_is_left_of_the_files(lane: Lane) -> None:
    lane.run("A.")

    left = {path.name for path in lane.folder.iterdir()}
    assert left == {"in.jsonl", "simulator"}


def test_a_line_that_failed_is_classified(lane: Lane) -> None:
    _, rows = lane.run("A. [[sim:429]]", "B. [[sim:400]]", "C. [[sim:503]]", "D.")

    kinds = {ref: answer.failure and answer.failure.kind for ref, answer in rows}
    assert kinds == {
        "exe_01-0": FailureKind.RATE_LIMITED,
        "exe_01-1": FailureKind.INVALID,
        "exe_01-2": FailureKind.OVERLOADED,
        "exe_01-3": None,
    }


def test_duplicates_are_handed_on_and_missing_rows_are_not_made_up(lane: Lane) -> None:
    texts = ("A. [[sim:duplicate]]", "B. [[sim:missing]]", "C.")
    _, rows = lane.run(*texts)

    refs = sorted(ref for ref, _ in rows)
    assert refs == ["exe_01-0", "exe_01-0", "exe_01-2"]


def test_a_job_whose_lines_all_failed_has_only_failures(lane: Lane) -> None:
    lane.script("batch", kind="all_failed")
    state, rows = lane.run("A.", "B.")

    assert state.ended_as == "ok"
    kinds = [answer.failure and answer.failure.kind for _, answer in rows]
    assert kinds == [FailureKind.OVERLOADED, FailureKind.OVERLOADED]


def test_an_expired_job_gives_what_it_finished(lane: Lane) -> None:
    lane.script("batch", kind="expire", fraction=0.5)
    state, rows = lane.run("A.", "B.", "C.", "D.")

    assert state.ended_as == "expired"
    failures = [answer.failure and answer.failure.kind for _, answer in rows]
    assert failures.count(None) == 2
    assert failures.count(FailureKind.JOB_EXPIRED) == 2


def test_a_job_that_fails_validation_says_why_and_has_no_rows(lane: Lane) -> None:
    lane.script(
        "batch", kind="fail_validation", code="invalid_file", message="No room."
    )
    state, rows = lane.run("A.")

    assert (state.ended_as, rows) == ("failed", [])
    assert state.message is not None
    assert "No room." in state.message


def test_an_unknown_status_counts_as_running(lane: Lane) -> None:
    lane.script("batch", kind="status", value="defragmenting")
    job_id = lane.submit("A.")

    assert lane.jobs.poll(lane.connection, job_id).phase == "running"


@pytest.mark.parametrize("kind", ["create_reset_after", "create_500_after"])
def test_a_job_made_by_a_call_without_an_answer_is_found_again(
    lane: Lane, kind: str
) -> None:
    lane.script("batch", kind=kind)
    with pytest.raises(JobOutcomeUnknown):
        lane.submit("A.")
    lane.simulator.clear_faults()

    found = lane.found()
    assert found is not None
    rows = lane.rows(lane.ended(found))
    assert [ref for ref, _ in rows] == ["exe_01-0"]
    assert lane.simulator.stats()["batches_created"] == 1


def test_a_job_that_was_never_made_is_not_found(lane: Lane) -> None:
    assert lane.found() is None


def test_the_ended_job_of_another_order_is_not_taken_for_ours(lane: Lane) -> None:
    lane.ended(lane.submit("A.", client_ref="exe_02"))

    assert lane.found() is None


@pytest.mark.parametrize("kind", ["429", "401", "reset-before"])
def test_a_refused_create_makes_no_job(lane: Lane, kind: str) -> None:
    lane.script("batch", kind=kind)
    expected = JobOutcomeUnknown if kind == "reset-before" else JobRefused
    with pytest.raises(expected):
        lane.submit("A.")

    assert lane.simulator.stats()["batches_created"] == 0


@pytest.mark.parametrize("kind", ["503", "401", "reset-before"])
def test_a_poll_that_gets_no_good_answer_is_an_unknown_outcome(
    lane: Lane, kind: str
) -> None:
    job_id = lane.submit("A.")
    lane.script("batch_get", kind=kind)

    with pytest.raises(JobOutcomeUnknown):
        lane.jobs.poll(lane.connection, job_id)


def test_a_fence_that_fell_sends_no_job(lane: Lane) -> None:
    def fallen() -> None:
        raise PermissionError

    file = lane.folder / "in.jsonl"
    item = make_item(provider_model=MODEL)
    file.write_bytes(lane.jobs.encode_line(item, lane.connection))
    with pytest.raises(PermissionError):
        lane.jobs.submit(lane.connection, file, make_order(), fence=fallen)

    assert lane.simulator.stats()["batches_created"] == 0


def test_a_job_id_that_would_change_the_path_is_never_sent(lane: Lane) -> None:
    with pytest.raises(JobOutcomeUnknown):
        lane.jobs.poll(lane.connection, "../files")


def test_cancelling_an_ended_job_loses_none_of_its_rows(lane: Lane) -> None:
    job_id = lane.submit("A.", "B.")
    lane.ended(job_id)
    lane.jobs.cancel(lane.connection, job_id)
    state = lane.ended(job_id)

    # Fireworks knows no verb but to delete a job; what it had written stays.
    ended_as = "canceled" if lane.provider == "fireworks" else "ok"
    assert (state.phase, state.ended_as) == ("ended", ended_as)
    kinds = {ref: row.failure and row.failure.kind for ref, row in lane.rows(state)}
    assert kinds == {"exe_01-0": None, "exe_01-1": None}


def only(provider: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("lane", [provider], indirect=True)


@pytest.mark.parametrize("lane", ["groq", "together"], indirect=True)
def test_a_canceled_job_keeps_its_finished_rows(lane: Lane) -> None:
    lane.script("batch", kind="stuck", fraction=0.5)
    job_id = lane.submit("A.", "B.")
    time.sleep(0.3)
    lane.jobs.cancel(lane.connection, job_id)
    state = lane.ended(job_id)

    assert state.ended_as == "canceled"
    kinds = {ref: row.failure and row.failure.kind for ref, row in lane.rows(state)}
    assert kinds == {"exe_01-0": None, "exe_01-1": FailureKind.JOB_CANCELED}


@only("fireworks")
def test_a_canceled_fireworks_job_is_deleted_and_ends(lane: Lane) -> None:
    lane.script("batch", kind="stuck")
    job_id = lane.submit("A.")
    lane.jobs.cancel(lane.connection, job_id)

    state = lane.ended(job_id)
    assert (state.ended_as, lane.rows(state)) == ("canceled", [])


@only("fireworks")
def test_a_fireworks_job_made_twice_is_one_job(lane: Lane) -> None:
    assert lane.submit("A.") == lane.submit("A.") == "br-exe-01"
    assert lane.simulator.stats()["batches_created"] == 1


@only("fireworks")
def test_without_an_account_no_fireworks_job_is_made(lane: Lane) -> None:
    lane.connection = Connection(
        "fireworks", lane.connection.base_url, "key", is_sandbox=False
    )
    with pytest.raises(JobRefused) as refusal:
        lane.submit("A.")

    assert refusal.value.failure.kind is FailureKind.CREDENTIAL
    assert lane.simulator.stats()["files"] == 0


@only("together")
def test_the_bytes_of_an_earlier_upload_are_not_sent_again(lane: Lane) -> None:
    lane.submit("A.")
    lane.submit("A.")

    assert lane.simulator.stats()["files"] >= 1
    assert lane.simulator.stats()["batches_created"] == 2


@only("openrouter")
def test_a_running_openrouter_batch_may_be_another_orders(lane: Lane) -> None:
    lane.script("batch", kind="stuck")
    lane.submit("A.", client_ref="exe_02")

    with pytest.raises(JobOutcomeUnknown):
        lane.jobs.find(
            lane.connection,
            make_order(provider_model=MODEL),
            others=lambda: OtherOrders(frozenset(), has_twin=True),
        )


@only("openrouter")
def test_an_openrouter_batch_of_another_model_is_nobodys_candidate(lane: Lane) -> None:
    lane.script("batch", kind="stuck")
    lane.submit("A.", client_ref="exe_02")
    order = make_order(provider_model="vendor/other")

    assert lane.jobs.find(lane.connection, order, others=no_others) is None


@only("openrouter")
def test_nothing_is_sent_in_a_batch_that_must_not_be_kept(lane: Lane) -> None:
    lane.connection = Connection(
        "openrouter",
        lane.connection.base_url,
        "key",
        is_sandbox=True,
        options={"zdr": "true"},
    )
    with pytest.raises(JobRefused):
        lane.submit("A.")

    assert lane.simulator.stats()["batches_created"] == 0


@pytest.mark.parametrize("lane", ["groq", "together"], indirect=True)
def test_a_completed_job_without_files_is_asked_again(lane: Lane) -> None:
    lane.script("batch", kind="no_output_lag", polls=2)
    state, rows = lane.run("A.")

    assert (state.ended_as, len(rows)) == ("ok", 1)
