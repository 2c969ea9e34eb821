"""Pure: a stored decision once more, from nothing but what was stored with it.

What was stored is what was judged: the request, every offering with all that was known
of it, the weights' version and the instant. So the same program must give the same
bytes again, and another policy can be tried on the same market.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

from batches import decisions
from batches.decisions import Decision, GroupTerms
from batchrouter.kit.errors import BatchRouterError
from batchrouter.kit.hashing import canonical_json
from routing import preview, scoring
from routing.contracts import OfferingFacts, UnitRequest
from routing.weights import RouteWeights

DIFFERENCES_MAX: Final = 100
_SHOWN: Final = 200
_MISSING: Final = object()


class DecisionUnreadable(BatchRouterError):
    """What is stored is not a decision that this program can read."""

    code = "decision_unreadable"


@dataclass(frozen=True, slots=True)
class StoredGroup:
    """What a stored decision was made from.

    Attributes:
        stored: the decision as it lies in the database.
        offerings: every offering that was judged, with its facts of that instant.
    """

    stored: Mapping[str, Any]
    request: UnitRequest
    offerings: tuple[OfferingFacts, ...]
    terms: GroupTerms


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that a replay gives otherwise than it was stored.

    Attributes:
        path: such as ``judged[0].score.total``.
        stored, replayed: as JSON, shortened; ``(nothing)`` where there is none.
    """

    path: str
    stored: str
    replayed: str


def read_group(stored: Mapping[str, Any], *, decided_at: datetime) -> StoredGroup:
    """Read what a decision was made from.

    Raises:
        DecisionUnreadable: a part is missing or of another shape.
    """
    try:
        replay, terms = stored["replay"], stored["terms"]
        return StoredGroup(
            stored=stored,
            request=preview.request_from_snapshot(replay["request"]),
            offerings=tuple(
                preview.facts_from_snapshot(lane["offering"])
                for lane in replay["lanes"]
            ),
            terms=GroupTerms(
                group_no=stored["group_no"],
                default_cap=terms["default_cap"],
                fee_bps=terms["fee_bps"],
                decided_at=decided_at,
                copies=decisions.copies_of(stored),
            ),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DecisionUnreadable(
            f"A stored decision cannot be read: {error!r}"[:_SHOWN]
        ) from error


def decide_again(
    group: StoredGroup, request: UnitRequest, version: RouteWeights
) -> Decision | None:
    """Judge the stored offerings and decide; None where none is eligible.

    Args:
        group: gives the offerings, the terms and the instant.
        request: the stored one, or what it would be under another policy.
        version: the weights.
    """
    lanes = scoring.judge(request, group.offerings, version, now=group.terms.decided_at)
    return decisions.decide(request, lanes, group.terms)


def differences(group: StoredGroup, version: RouteWeights) -> list[Difference]:
    """Return where a replay differs from what was stored; none where it is the same.

    The comparison is of canonical bytes. A field that decisions did not have when this
    one was stored is no difference: it cannot have been stored.
    """
    again = decide_again(group, group.request, version)
    if again is None:
        return [Difference("", "a decision", "no eligible lane")]
    replayed = decisions.to_json(again)
    if canonical_json(replayed) == canonical_json(group.stored):
        return []
    found = _differing(group.stored, replayed, "")
    return list(islice(found, DIFFERENCES_MAX))


def _differing(stored: Any, replayed: Any, path: str) -> Iterator[Difference]:
    if isinstance(stored, dict) and isinstance(replayed, dict):
        for name, value in stored.items():
            place = f"{path}.{name}" if path else name
            yield from _differing(value, replayed.get(name, _MISSING), place)
    elif isinstance(stored, list) and isinstance(replayed, list | tuple):
        for index in range(max(len(stored), len(replayed))):
            yield from _differing(
                _at(stored, index), _at(replayed, index), f"{path}[{index}]"
            )
    elif _text(stored) != _text(replayed):
        yield Difference(path, _text(stored)[:_SHOWN], _text(replayed)[:_SHOWN])


def _at(values: Sequence[Any], index: int) -> Any:
    return values[index] if index < len(values) else _MISSING


def _text(value: Any) -> str:
    return "(nothing)" if value is _MISSING else canonical_json(value).decode()
