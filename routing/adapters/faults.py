"""What a broken call means: the pool's faults as answers."""

from typing import Final

from batchrouter.kit.pool import Fault
from routing.contracts import Answer
from routing.failures import Failure, FailureKind

_KINDS: Final[dict[Fault, FailureKind]] = {
    "not_sent": FailureKind.UNREACHABLE,
    "no_answer": FailureKind.NO_ANSWER,
    "timed_out": FailureKind.TIMED_OUT,
    "too_large": FailureKind.MALFORMED,
}


def answer_of_fault(fault: Fault) -> Answer:
    """Return the answer for a call that ended without a reply."""
    return Answer(None, None, None, None, Failure(_KINDS[fault]), None)
