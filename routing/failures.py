"""The closed list of ways in which a provider can fail, and what each allows.

The provider's own words are kept in the row's ``raw`` only; messages here are ours,
because a provider's error may quote the prompt.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

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
    QUEUE_FULL = "provider_queue_full"  # jobs: no room for one more now; nothing ran
    STAGE_OVER = "stage_over"  # the lane's share of the time ran out before its turn
    INTERNAL = "internal_error"  # we could not read the item or handle its answer


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


# What says nothing of an offering's reliability: our pace there, the customer's own
# errors and checks, and what we ended or broke ourselves.
NOT_THE_LANES_FAULT = frozenset(
    {
        FailureKind.RATE_LIMITED,
        FailureKind.QUEUE_FULL,
        FailureKind.INVALID,
        FailureKind.VERIFICATION,
        FailureKind.STAGE_OVER,
        FailureKind.INTERNAL,
    }
)

# Said to our account: every call on any lane of the provider would hear the same.
ACCOUNT_REFUSED = frozenset({FailureKind.CREDENTIAL, FailureKind.QUOTA})

Allowed = Literal["same_lane", "next_lane", "leaves_lane", "maybe_billed"]


def _rule(message: str, *allowed: Allowed) -> Rule:
    return Rule(
        same_lane="same_lane" in allowed,
        next_lane="next_lane" in allowed,
        leaves_lane="leaves_lane" in allowed,
        maybe_billed="maybe_billed" in allowed,
        message=message,
    )


RULES: dict[FailureKind, Rule] = {
    FailureKind.RATE_LIMITED: _rule(
        "The provider limited our rate.", "same_lane", "next_lane"
    ),
    FailureKind.OVERLOADED: _rule(
        "The provider was overloaded or failed inside.", "same_lane", "next_lane"
    ),
    FailureKind.NO_ANSWER: _rule(
        "The connection broke before an answer arrived.",
        "same_lane",
        "next_lane",
        "maybe_billed",
    ),
    FailureKind.TIMED_OUT: _rule(
        "No answer arrived within the time allowed.",
        "same_lane",
        "next_lane",
        "maybe_billed",
    ),
    FailureKind.UNREACHABLE: _rule(
        "The provider could not be reached.", "same_lane", "next_lane"
    ),
    FailureKind.QUOTA: _rule(
        "Our quota at the provider is used up.", "next_lane", "leaves_lane"
    ),
    FailureKind.CREDENTIAL: _rule(
        "The provider refused our credential.", "next_lane", "leaves_lane"
    ),
    FailureKind.MODEL_MISSING: _rule(
        "The provider does not offer the model now.", "next_lane", "leaves_lane"
    ),
    FailureKind.INVALID: _rule("The provider refused the request as invalid."),
    FailureKind.MALFORMED: _rule(
        "The provider's answer could not be read.",
        "same_lane",
        "next_lane",
        "maybe_billed",
    ),
    FailureKind.MISSING: _rule(
        "The provider returned no row for this item.", "same_lane", "next_lane"
    ),
    FailureKind.JOB_EXPIRED: _rule(
        "The provider's job expired before this item.", "next_lane"
    ),
    FailureKind.JOB_CANCELED: _rule("The provider's job was canceled.", "next_lane"),
    FailureKind.WRONG_MODEL: _rule(
        "Another model than the one asked for answered.",
        "next_lane",
        "leaves_lane",
        "maybe_billed",
    ),
    FailureKind.VERIFICATION: _rule(
        "The answer failed the item's checks.", "same_lane", "next_lane", "maybe_billed"
    ),
    FailureKind.QUEUE_FULL: _rule(
        "The provider's queue for batch jobs is full.", "same_lane", "next_lane"
    ),
    FailureKind.STAGE_OVER: _rule(
        "The time on this lane ran out before the item was sent.", "next_lane"
    ),
    FailureKind.INTERNAL: _rule("We could not process this item."),
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
