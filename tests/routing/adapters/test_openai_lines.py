from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.adapters import result_lines
from routing.adapters.openai_job_states import job_state
from routing.adapters.openai_lines import read_file, read_line
from routing.failures import FailureKind
from tests.routing.values import NOON

COMPLETION = {
    "object": "chat.completion",
    "model": "m",
    "choices": [{"finish_reason": "stop", "message": {"content": "Hello"}}],
}


def line(**changes: Any) -> bytes:
    value = {
        "id": "batch_req_1",
        "custom_id": "r_1",
        "response": {"status_code": 200, "request_id": "q", "body": COMPLETION},
        "error": None,
    }
    return orjson.dumps(value | changes) + b"\n"


def test_a_line_may_hold_a_chat_completion() -> None:
    found = read_line(line())

    assert found is not None
    ref, answer = found
    assert ref == "r_1"
    assert answer.output is not None
    assert (answer.output.text, answer.provider_status) == ("Hello", 200)
    assert answer.raw == orjson.dumps(COMPLETION)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("batch_expired", FailureKind.JOB_EXPIRED),
        ("batch_cancelled", FailureKind.JOB_CANCELED),
        ("request_timeout", FailureKind.TIMED_OUT),
        ("rate_limit_exceeded", FailureKind.RATE_LIMITED),
        ("something_new", FailureKind.OVERLOADED),
    ],
)
def test_a_line_without_a_response_says_why(code: str, kind: FailureKind) -> None:
    found = read_line(line(response=None, error={"code": code, "message": "m"}))

    assert found is not None
    assert found[1].failure is not None
    assert found[1].failure.kind is kind


@pytest.mark.parametrize("status", [400, 429, 500])
def test_a_failed_line_may_have_no_body(status: int) -> None:
    response = {"status_code": status, "body": None}
    found = read_line(line(response=response, error="a plain string"))

    assert found is not None
    assert found[1].failure is not None
    assert found[1].failure.provider_status == status


@pytest.mark.parametrize(
    "response",
    [
        {},
        {"status_code": "200"},
        {"status_code": 200},
        {"status_code": 200, "body": []},
        {"status_code": 200, "body": {}},
        {"status_code": 9999, "body": {}},
    ],
)
def test_a_response_of_another_shape_is_malformed(response: dict[str, Any]) -> None:
    found = read_line(line(response=response))

    assert found is not None
    assert found[1].failure is not None
    assert found[1].failure.kind is FailureKind.MALFORMED


@pytest.mark.parametrize(
    "custom_id", [None, 5, "", "a b", "r_1\n", "\uff52_1", "../r_1", "x" * 65]
)
def test_a_line_that_names_no_item_of_ours_is_passed_over(custom_id: Any) -> None:
    assert read_line(line(custom_id=custom_id)) is None


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_without_an_error(data: bytes) -> None:
    found = read_line(data)
    # Bytes by chance never name an item of ours.
    assert found is None


@settings(deadline=None)
@given(st.integers(0, 400), st.integers(0, 255))
def test_a_flipped_byte_never_raises(place: int, value: int) -> None:
    data = bytearray(line())
    data[place % len(data)] = value
    found = read_line(bytes(data))
    assert found is None or len(found) == 2


def test_only_whole_lines_are_read_and_bad_ones_are_passed_over(
    tmp_path: Path,
) -> None:
    file = tmp_path / "out.jsonl"
    file.write_bytes(
        line(custom_id="a")
        + b"\n"
        + b"{broken\n"
        + line(custom_id="b")
        + line(custom_id="c")[:-1]
    )
    assert [ref for ref, _ in read_file(file)] == ["a", "b"]


def test_a_line_that_is_too_long_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    long = b'"' + b"x" * (2 * result_lines.LINE_BYTES_MAX) + b'"\n'
    file.write_bytes(line(custom_id="a") + long + line(custom_id="b"))

    assert [ref for ref, _ in read_file(file)] == ["a", "b"]


@pytest.mark.parametrize(
    ("status", "phase", "ended_as"),
    [
        ("validating", "submitted", None),
        ("in_progress", "running", None),
        ("finalizing", "collecting", None),
        ("completed", "ended", "ok"),
        ("failed", "ended", "failed"),
        ("expired", "ended", "expired"),
        ("cancelling", "canceling", None),
        ("cancelled", "ended", "canceled"),
        ("canceled", "running", None),
        ("brand_new", "running", None),
        (None, "running", None),
        (["completed"], "running", None),
    ],
)
def test_each_status_has_its_phase(
    status: Any, phase: str, ended_as: str | None
) -> None:
    state = job_state({"status": status}, seen_at=NOON)

    assert (state.phase, state.ended_as) == (phase, ended_as)


@pytest.mark.parametrize("age_seconds", [0, 599, 600])
def test_a_completed_job_waits_ten_minutes_for_its_output_file(
    age_seconds: int,
) -> None:
    job = {
        "status": "completed",
        "completed_at": int(NOON.timestamp()) - age_seconds,
        "request_counts": {"total": 1, "completed": 1, "failed": 0},
    }
    phase = job_state(job, seen_at=NOON).phase

    assert phase == ("ended" if age_seconds == 600 else "collecting")


@pytest.mark.parametrize("name", [None, "", 5, "../x", "a/b"])
def test_a_file_id_that_cannot_be_one_is_absent(name: Any) -> None:
    job = {"status": "failed", "output_file_id": name, "error_file_id": "file-1"}

    assert job_state(job, seen_at=None).result_files == ("file-1",)


def test_a_reason_is_capped_and_has_no_control_characters() -> None:
    errors = {"data": [{"code": "bad", "message": "a\0b\n" + "x" * 1000}]}
    message = job_state({"status": "failed", "errors": errors}, seen_at=None).message

    assert message is not None
    assert message.startswith("bad: a b x")
    assert len(message) == 300


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            ["status", "request_counts", "output_file_id", "errors", "completed_at"]
        ),
        st.recursive(
            st.none() | st.integers() | st.text(max_size=3),
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(
                    st.sampled_from(["data", "code", "total", "completed"]), inner
                )
            ),
            max_leaves=6,
        ),
    )
)
def test_a_job_of_any_shape_is_read_without_an_error(job: dict[str, Any]) -> None:
    state = job_state(job, seen_at=NOON)
    assert (state.phase == "ended") == (state.ended_as is not None)
