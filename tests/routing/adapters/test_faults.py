import pytest

from batchrouter.kit.pool import Fault
from routing.adapters.faults import answer_of_fault
from routing.failures import FailureKind


@pytest.mark.parametrize(
    ("fault", "kind", "maybe_billed"),
    [
        ("not_sent", FailureKind.UNREACHABLE, False),
        ("no_answer", FailureKind.NO_ANSWER, True),
        ("timed_out", FailureKind.TIMED_OUT, True),
        ("too_large", FailureKind.MALFORMED, True),
    ],
)
def test_only_a_call_that_never_left_is_certainly_not_billed(
    fault: Fault, kind: FailureKind, *, maybe_billed: bool
) -> None:
    failure = answer_of_fault(fault).failure

    assert failure is not None
    assert (failure.kind, failure.rule.maybe_billed) == (kind, maybe_billed)
