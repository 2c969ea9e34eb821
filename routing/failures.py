"""The closed list of ways in which a provider can fail, and what each allows.

The provider's own words are kept in the row's ``raw`` only; messages here are ours,
because a provider's error may quote the prompt.
"""

from dataclasses import dataclass
from enum import StrEnum

from batchrouter.kit.errors import BatchRouterError


class FailureKind(StrEnum):
    """Why an attempt gave no accepted answer."""

    RATE_LIMITED = "rate_limited"  # 429: slow down, same lane
    OVERLOADED = "provider_overloaded"  # 5xx, 498, 529: same lane after a pause
    NO_ANSWER = "no_answer"  # sent, and the connection died: outcome unknown
    TIMED_OUT = "timed_out"  # sent, and our total deadline passed: outcome unknown
    UNREACHABLE = "provider_unreachable"  # never connected: certainly not sent
    QUOTA = "provider_quota"  # the account is out of quota: leave the lane
    CREDENTIAL = "provider_credential"  # 401, 403: leave the lane
    MODEL_MISSING = "model_unavailable"  # 404: leave the lane
    INVALID = "provider_rejected_request"  # 400, 413, 422: this item, any lane
    MALFORMED = "malformed_answer"  # not the documented shape
    MISSING = "missing_from_provider"  # no row for the item in an ended job
    JOB_EXPIRED = "provider_job_expired"  # the job's window closed before its turn
    JOB_CANCELED = "provider_job_canceled"  # the job was stopped before its turn
    WRONG_MODEL = "wrong_model"  # another model than asked answered
    VERIFICATION = "verification_failed"  # an answer that fails the item's checks


@dataclass(frozen=True, slots=True)
class Rule:
    """What follows from a kind of failure.

    Attributes:
        same_lane: worth another try where it failed.
        next_lane: another lane may do better.
        leaves_lane: the lane itself is unfit; all its items should move on.
        maybe_billed: the provider may charge us although we got nothing.
        message: for the customer.
    """

    same_lane: bool
    next_lane: bool
    leaves_lane: bool
    maybe_billed: bool
    message: str


_R = Rule
RULES: dict[FailureKind, Rule] = {
    FailureKind.RATE_LIMITED: _R(
        True, True, False, False, "The provider limited our rate."
    ),
    FailureKind.OVERLOADED: _R(
        True, True, False, False, "The provider was overloaded or failed inside."
    ),
    FailureKind.NO_ANSWER: _R(
        True, True, False, True, "The connection broke before an answer arrived."
    ),
    FailureKind.TIMED_OUT: _R(
        True, True, False, True, "No answer arrived within the time allowed."
    ),
    FailureKind.UNREACHABLE: _R(
        True, True, False, False, "The provider could not be reached."
    ),
    FailureKind.QUOTA: _R(
        False, True, True, False, "Our quota at the provider is used up."
    ),
    FailureKind.CREDENTIAL: _R(
        False, True, True, False, "The provider refused our credential."
    ),
    FailureKind.MODEL_MISSING: _R(
        False, True, True, False, "The provider does not offer the model now."
    ),
    FailureKind.INVALID: _R(
        False, False, False, False, "The provider refused the request as invalid."
    ),
    FailureKind.MALFORMED: _R(
        True, True, False, True, "The provider's answer could not be read."
    ),
    FailureKind.MISSING: _R(
        True, True, False, False, "The provider returned no row for this item."
    ),
    FailureKind.JOB_EXPIRED: _R(
        False, True, False, False, "The provider's job expired before this item."
    ),
    FailureKind.JOB_CANCELED: _R(
        False, True, False, False, "The provider's job was canceled."
    ),
    FailureKind.WRONG_MODEL: _R(
        False, True, True, True, "Another model than the one asked for answered."
    ),
    FailureKind.VERIFICATION: _R(
        True, True, False, True, "The answer failed the item's checks."
    ),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed attempt.

    Attributes:
        retry_after_seconds: as the provider asked, None where it did not.
    """

    kind: FailureKind
    provider_status: int | None = None
    retry_after_seconds: float | None = None

    @property
    def rule(self) -> Rule:
        """What this failure allows."""
        return RULES[self.kind]


class JobRefused(BatchRouterError):
    """The provider said no before taking the job: nothing runs, nothing is billed."""

    code = "provider_refused"
    status = 502

    def __init__(self, failure: Failure, message: str) -> None:
        super().__init__(message)
        self.failure = failure


class JobOutcomeUnknown(BatchRouterError):
    """A call to the provider ended without an answer that can be trusted."""

    code = "provider_outcome_unknown"
    status = 502
