"""What stands still as the operators' page shows it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse

from batches.places import Place
from batches.stuck import Stuck, StuckPage
from batches.telling import sentence

# A page shows so many lines, and the rest of the last batch's.
SHOWN = 25
FILTERS = ("provider", "lane", "code")


@dataclass(frozen=True, slots=True)
class LaneAt:
    """The lane on which units stand, and where in their plan that is.

    Attributes:
        plan: a sentence on the plan that took the place of the quote's; else empty.
    """

    pk: int
    name: str
    stage: str
    leave_at: datetime
    plan: str


@dataclass(frozen=True, slots=True)
class StuckLine:
    """Units that stand alike, or a batch without open units."""

    batch_pk: int
    batch_id: str
    org: str
    state: str
    items: int
    unit_count: int
    units_url: str
    lane: LaneAt | None
    code: str
    reason: str
    since: datetime
    next_action_at: datetime
    deadline_at: datetime


@dataclass(frozen=True, slots=True)
class StuckTable:
    """One page.

    Attributes:
        chosen: the filter.
        providers, lanes, codes: (value, word) to choose from, of the page.
        next_url: the page of the next deadlines; empty where there is none.
    """

    lines: tuple[StuckLine, ...]
    looked_at: int
    chosen: Mapping[str, str]
    providers: tuple[tuple[str, str], ...]
    lanes: tuple[tuple[str, str], ...]
    codes: tuple[tuple[str, str], ...]
    first_url: str
    next_url: str


def show_stuck(page: StuckPage, asked: Mapping[str, str]) -> StuckTable:
    """Show what stands, narrowed by ``provider``, ``lane`` and ``code``."""
    chosen = {name: asked.get(name, "") for name in FILTERS}
    places = [row.place for row in page.rows if row.place is not None]
    lanes = {str(place.lane.offering_id): _name(place) for place in places}
    kept = {name: value for name, value in chosen.items() if value}
    path = reverse("operators-stuck")
    shown = _whole_batches([row for row in page.rows if _is_asked(row, chosen)])
    return StuckTable(
        lines=tuple(_line(row) for row in shown.rows),
        looked_at=page.looked_at,
        chosen=chosen,
        providers=_themselves(place.lane.provider for place in places),
        lanes=tuple(sorted(lanes.items(), key=lambda pair: pair[1])),
        codes=_themselves(row.stall.code for row in page.rows),
        first_url=f"{path}?{urlencode(kept)}" if asked.get("after") else "",
        next_url=_after(path, shown.next_after or page.next_after, kept),
    )


def _themselves(words: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return choices whose value is the word that is shown."""
    return tuple((word, word) for word in sorted(set(words)))


@dataclass(frozen=True, slots=True)
class _Shown:
    """The rows of a page, and the batch to go on from where they are not all."""

    rows: list[Stuck]
    next_after: str = ""


def _whole_batches(rows: list[Stuck]) -> _Shown:
    """Cut rows between two batches once there are ``SHOWN`` of them."""
    for number in range(SHOWN, len(rows)):
        if rows[number].batch.pk != rows[number - 1].batch.pk:
            return _Shown(rows[:number], rows[number - 1].batch.public_id)
    return _Shown(rows)


def _after(path: str, after: str, kept: Mapping[str, str]) -> str:
    return f"{path}?{urlencode({**kept, 'after': after})}" if after else ""


def _is_asked(row: Stuck, chosen: Mapping[str, str]) -> bool:
    lane = None if row.place is None else row.place.lane
    facts = {
        "provider": "" if lane is None else lane.provider,
        "lane": "" if lane is None else str(lane.offering_id),
        "code": row.stall.code,
    }
    return all(chosen[name] in {"", facts[name]} for name in FILTERS)


def _line(row: Stuck) -> StuckLine:
    place, batch = row.place, row.batch
    return StuckLine(
        batch_pk=batch.pk,
        batch_id=batch.public_id,
        org=batch.org.name,
        state=batch.state if place is None else place.state,
        items=batch.item_count if place is None else place.open_items,
        unit_count=0 if place is None else place.unit_count,
        units_url="" if place is None else _units_url(place),
        lane=None if place is None else _lane(place),
        code=row.stall.code,
        reason=row.stall.reason,
        since=row.since,
        next_action_at=row.stall.next_action_at,
        deadline_at=batch.deadline_at,
    )


def _units_url(place: Place) -> str:
    """Return the page of the only unit, or the list of them."""
    if place.unit_count == 1:
        return reverse("admin:batches_workunit_change", args=[place.unit_id])
    asked = {
        "batch__id__exact": place.batch_id,
        "state__exact": place.state,
        "stage__exact": place.stage,
        "group_no__exact": place.group_no,
    }
    return f"{reverse('admin:batches_workunit_changelist')}?{urlencode(asked)}"


def _lane(place: Place) -> LaneAt:
    cause = sentence(place.plan_cause) or place.plan_cause
    return LaneAt(
        pk=place.lane.offering_id,
        name=_name(place),
        stage=f"lane {place.stage + 1} of {place.stage_count}",
        leave_at=place.leave_at,
        plan=f"A new plan was made: {cause}" if place.plan_cause else "",
    )


def _name(place: Place) -> str:
    lane = place.lane
    return f"{lane.provider} {lane.provider_model} {lane.mode}"
