"""A provider as operators watch it: its lanes, and its switch."""

from dataclasses import dataclass
from datetime import date, datetime

from django.urls import reverse

from catalog.models import Provider
from console.operators.lanes import LaneTable, lane_table
from console.operators.switches import Button, Switch, switch_at

_OFF = Button(
    "switch_off",
    "Switch the provider off",
    look="danger",
    effect=(
        "None of its lanes gets new work at once. Calls under way end, provider jobs "
        "are collected; what waits moves to lanes of others by plan, or by a new one, "
        "at the quoted price."
    ),
)
_ON = Button("switch_on", "Switch the provider on")
_SANCTION = Button(
    "sanction",
    "Mark as sanctioned",
    look="quiet",
    effect="It gets no work either, and customers are told that it is sanctioned.",
)
_LIFT = Button("lift_sanction", "Lift the sanction")


@dataclass(frozen=True, slots=True)
class ProviderPage:
    """One provider; ``state`` is a badge's."""

    pk: int
    key: str
    name: str
    state: str
    word: str
    modes: tuple[str, ...]
    privacy_tiers: tuple[str, ...]
    as_of: date
    lanes: LaneTable
    switch: Switch


def provider_page(pk: int, *, now: datetime) -> ProviderPage | None:
    """Show all that is known of a provider; None where there is none."""
    row = Provider.objects.filter(pk=pk).first()
    if row is None:
        return None
    state, word = _word(row)
    address = reverse("operators-provider-switch", args=[pk])
    return ProviderPage(
        pk=pk,
        key=row.key,
        name=row.display_name,
        state=state,
        word=word,
        modes=tuple(row.modes),
        privacy_tiers=tuple(row.privacy_tiers),
        as_of=row.as_of,
        lanes=lane_table({"provider": row.key}, now=now),
        switch=switch_at(address, _buttons(row)),
    )


def _word(row: Provider) -> tuple[str, str]:
    if row.is_sanctioned:
        return "bad", "sanctioned"
    return ("ok", "on") if row.enabled else ("idle", "off")


def _buttons(row: Provider) -> tuple[Button, Button]:
    return (
        _OFF if row.enabled else _ON,
        _LIFT if row.is_sanctioned else _SANCTION,
    )
