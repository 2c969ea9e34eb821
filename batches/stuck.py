"""What stands still and why, for operators: one page of open batches at a time."""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from batches.models import Batch
from batches.places import Evidence, Place, evidence_for, places_of
from batches.stalls import STALL_AFTER, Stall, why, why_without_places
from batches.states import BATCH_OPEN

# A page reads so many open batches, whatever comes of them.
LOOKED_AT = 100


@dataclass(frozen=True, slots=True)
class Stuck:
    """Work without a row for :data:`batches.stalls.STALL_AFTER`.

    Attributes:
        place: the units that stand alike; None where the batch has no open unit.
        since: when the last row was written, or the wait began.
    """

    batch: Batch
    place: Place | None
    since: datetime
    stall: Stall


@dataclass(frozen=True, slots=True)
class StuckPage:
    """What stands among the batches that a page has looked at.

    Attributes:
        looked_at: how many that were.
        next_after: the public id to go on from; empty where these were the last.
    """

    rows: tuple[Stuck, ...]
    looked_at: int
    next_after: str


def stuck_page(*, now: datetime, after: str = "") -> StuckPage:
    """Return what stands among the open batches whose deadline is next.

    Args:
        now: the instant.
        after: the public id of the last batch looked at before; an unknown one begins
            anew.
    """
    batches = list(_window(after)[: LOOKED_AT + 1])
    shown = {batch.pk: batch for batch in batches[:LOOKED_AT]}
    places = places_of(shown)
    standing = [place for place in places if place.since <= now - STALL_AFTER]
    evidence = evidence_for(standing, now=now)
    rows = [
        *_without_places(shown.values(), {place.batch_id for place in places}, now),
        *_with_places(shown, standing, evidence, now),
    ]
    rows.sort(key=lambda row: (row.batch.deadline_at, row.batch.pk))
    return StuckPage(
        tuple(rows),
        len(shown),
        batches[LOOKED_AT - 1].public_id if len(batches) > LOOKED_AT else "",
    )


def _window(after: str) -> QuerySet[Batch]:
    """Return open batches by deadline, as batch_open_by_deadline has them."""
    rows = Batch.objects.filter(state__in=BATCH_OPEN).select_related("org")
    last = Batch.objects.filter(public_id=after).first() if after else None
    if last is not None:
        later = Q(deadline_at__gt=last.deadline_at)
        rows = rows.filter(later | Q(deadline_at=last.deadline_at, pk__gt=last.pk))
    return rows.order_by("deadline_at", "pk")


def _without_places(
    batches: Iterable[Batch], placed: Container[int], now: datetime
) -> Iterator[Stuck]:
    for batch in batches:
        if batch.pk not in placed and batch.state_at <= now - STALL_AFTER:
            stall = why_without_places(batch.state, now=now)
            yield Stuck(batch, None, batch.state_at, stall)


def _with_places(
    batches: Mapping[int, Batch],
    places: Iterable[Place],
    evidence: Evidence,
    now: datetime,
) -> Iterator[Stuck]:
    for place in places:
        batch = batches[place.batch_id]
        stall = why(place, batch, evidence, now=now)
        yield Stuck(batch, place, place.since, stall)
