"""Does a provider take a key? Asked by the cheapest call that needs one.

The answer's status is kept, its text never: it may repeat the key.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import orjson

from batchrouter.kit.outbound import ControlClient, OutboundError, Reply, ReplyTooLarge
from routing.adapters import anthropic, gemini
from routing.adapters.job_base import bearer_headers
from routing.contracts import Connection

CHECK_SECONDS: Final = 15.0


class Verdict(StrEnum):
    ACCEPTED = "accepted"  # the key works
    REFUSED = "refused"  # the provider does not know it, or not for this
    UNCLEAR = "unclear"  # an answer that says neither
    UNREACHABLE = "unreachable"  # no answer


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """What came of a check.

    Attributes:
        status: of the provider's answer; None where there was none.
    """

    verdict: Verdict
    status: int | None = None

    def __str__(self) -> str:
        return self.verdict if self.status is None else f"{self.verdict} {self.status}"


@dataclass(frozen=True, slots=True)
class Check:
    """The call that tells whether a key is good.

    Attributes:
        path: below the base URL; ``{version}`` is the connection's API version.
        refusals: statuses that mean the key is not taken.
    """

    path: str = "/models"
    headers_of: Callable[[Connection], Mapping[str, str]] = bearer_headers
    refusals: frozenset[int] = frozenset({401, 403})


_MODELS: Final = Check()
# From general knowledge of the providers' API references, not confirmed with a real
# key as of 2026-11-22; every other one lists its models to
# holders of a key only. All of these calls are free.
CHECKS: Final[Mapping[str, Check]] = {
    "anthropic": Check("/v1/models?limit=1", anthropic.headers_of),
    # A wrong key is answered 400 with API_KEY_INVALID.
    "gemini": Check(
        "/{version}/models?pageSize=1", gemini.headers_of, frozenset({400, 401, 403})
    ),
    # Its list of models is open to everybody.
    "openrouter": Check("/key"),
}


def ask(connection: Connection, client: ControlClient) -> CheckOutcome:
    """Make the call; never raises for what the other side does."""
    check = CHECKS.get(connection.provider, _MODELS)
    path = check.path.format(version=gemini.version_of(connection))
    try:
        reply = client.call(
            "GET",
            connection.base_url + path,
            headers=check.headers_of(connection),
            deadline_seconds=CHECK_SECONDS,
        )
    except ReplyTooLarge:
        return CheckOutcome(Verdict.UNCLEAR)
    except OutboundError:
        return CheckOutcome(Verdict.UNREACHABLE)
    return CheckOutcome(_verdict(check, reply), reply.status)


def _verdict(check: Check, reply: Reply) -> Verdict:
    if reply.status in check.refusals:
        return Verdict.REFUSED
    return Verdict.ACCEPTED if reply.ok and _is_json(reply.body) else Verdict.UNCLEAR


def _is_json(body: bytes) -> bool:
    """Tell whether an API answered, and not a page that some proxy put in between."""
    try:
        return isinstance(orjson.loads(body), dict | list)
    except orjson.JSONDecodeError:
        return False
