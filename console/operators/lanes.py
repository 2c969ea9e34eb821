"""Lanes as operators watch them: how each fares, and all that is known of one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse

from catalog.models import Offering, Provider
from console.operators.switches import Button, Switch, switch_at
from routing.lanes import LaneState, LaneView, lane_state, lane_views
from routing.models import OfferingHealth

SHOWN = 80
_OFF = Button(
    "switch_off",
    "Switch the lane off",
    look="danger",
    effect=(
        "It gets no new work at once. Calls under way end, provider jobs are "
        "collected; what waits moves to other lanes by plan, or by a new one, at the "
        "quoted price."
    ),
)
_ON = Button("switch_on", "Switch the lane on")


@dataclass(frozen=True, slots=True)
class LaneLine:
    """A lane in the list; ``state`` is a badge's."""

    pk: int
    name: str
    provider: str
    state: str
    word: str
    until: datetime | None
    view: LaneView


@dataclass(frozen=True, slots=True)
class LaneTable:
    """The lanes that were asked for, those with trouble or work first.

    Attributes:
        total: how many there are; at most ``SHOWN`` of them are in ``lines``.
        chosen: the filter.
        providers, modes, states: (value, word) to choose from.
    """

    lines: tuple[LaneLine, ...]
    total: int
    chosen: Mapping[str, str]
    providers: tuple[tuple[str, str], ...]
    modes: tuple[tuple[str, str], ...] = (("batch", "batch"), ("direct", "direct"))
    states: tuple[tuple[str, str], ...] = (("trouble", "takes no work"),)


def lane_name(row: Offering) -> str:
    """Write provider, model, mode and region."""
    return f"{row.provider.key} {row.provider_model} {row.mode} {row.region}"


def lane_word(row: Offering, state: LaneState) -> tuple[str, str]:
    """Return a badge and a word for whether a lane takes work."""
    for is_so, badge, word in (
        (row.provider.is_sanctioned, "bad", "provider sanctioned"),
        (not row.provider.enabled, "idle", "provider off"),
        (not row.enabled, "idle", "off"),
        (not row.adapter, "idle", "not connected"),
    ):
        if is_so:
            return badge, word
    if state.resting_until is not None:
        return "warn", "breaker open"
    if state.paused_until is not None:
        return "warn", "paused"
    return "ok", "on"


def lane_table(asked: Mapping[str, str], *, now: datetime) -> LaneTable:
    """Show the lanes that a filter names.

    Args:
        asked: ``provider`` by its key, ``mode``, and ``state`` ("trouble" or nothing).
        now: the instant.
    """
    chosen = {name: asked.get(name, "") for name in ("provider", "mode", "state")}
    rows = Offering.objects.exclude(adapter="").select_related("provider", "health")
    if chosen["provider"]:
        rows = rows.filter(provider__key=chosen["provider"])
    if chosen["mode"]:
        rows = rows.filter(mode=chosen["mode"])
    found = list(rows.order_by("provider__key", "provider_model", "mode", "pk"))
    views = lane_views([row.pk for row in found], now=now)
    lines = [_line(row, views[row.pk], now) for row in found]
    if chosen["state"] == "trouble":
        lines = [line for line in lines if line.state != "ok"]
    lines.sort(key=_urgency)
    providers = Provider.objects.exclude(offerings__adapter="").distinct()
    return LaneTable(
        lines=tuple(lines[:SHOWN]),
        total=len(lines),
        chosen=chosen,
        providers=tuple(providers.order_by("key").values_list("key", "display_name")),
    )


def _line(row: Offering, view: LaneView, now: datetime) -> LaneLine:
    state = lane_state(row, now=now)
    badge, word = lane_word(row, state)
    until = state.resting_until or state.paused_until
    return LaneLine(row.pk, lane_name(row), row.provider.key, badge, word, until, view)


def _urgency(line: LaneLine) -> tuple[bool, int, int]:
    return line.state != "warn", -line.view.backlog_items, -line.view.calls


@dataclass(frozen=True, slots=True)
class LanePage:
    """One lane.

    Attributes:
        window_calls: calls at once of all workers; None before the first.
        failures: kinds with the instant of the last report, the newest first.
    """

    pk: int
    public_id: str
    line: LaneLine
    model: str
    privacy: str
    provider_pk: int
    provider_name: str
    is_provider_on: bool
    breaker: str
    breaker_reason: str
    window_calls: int | None
    halved_at: datetime | None
    failures: tuple[tuple[str, datetime], ...]
    deprecates_at: datetime | None
    switch: Switch


def lane_page(pk: int, *, now: datetime) -> LanePage | None:
    """Show all that is known of a lane; None where there is none."""
    rows = Offering.objects.select_related("provider", "model", "health")
    row = rows.filter(pk=pk).first()
    if row is None:
        return None
    health: OfferingHealth | None = getattr(row, "health", None)
    view = lane_views([pk], now=now)[pk]
    address = reverse("operators-lane-switch", args=[pk])
    return LanePage(
        pk=pk,
        public_id=row.public_id,
        line=_line(row, view, now),
        model=row.model.slug,
        privacy=row.privacy,
        provider_pk=row.provider_id,
        provider_name=row.provider.display_name,
        is_provider_on=row.provider.enabled and not row.provider.is_sanctioned,
        breaker=view.breaker.replace("_", "-"),
        breaker_reason=view.breaker_reason,
        window_calls=view.window_calls,
        halved_at=None if health is None else health.halved_at,
        failures=_failures({} if health is None else health.last_failures),
        deprecates_at=row.deprecates_at,
        switch=switch_at(address, [_OFF if row.enabled else _ON]),
    )


def _failures(last: Mapping[str, Any]) -> tuple[tuple[str, datetime], ...]:
    newest = sorted(last.items(), key=lambda pair: str(pair[1]), reverse=True)
    return tuple((kind, datetime.fromisoformat(at)) for kind, at in newest)
