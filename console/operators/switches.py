"""The card of a switch: its buttons, and what operators did with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from accounts.models import OperatorAction

_ACTIONS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Button:
    """One way to throw a switch.

    Attributes:
        look: "danger", "quiet" or nothing.
        effect: what is told below the button.
    """

    action: str
    label: str
    look: str = ""
    effect: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """What an operator did with a switch."""

    at: datetime
    operator: str
    action: str
    reason: str


@dataclass(frozen=True, slots=True)
class Switch:
    """A switch as its page shows it.

    Attributes:
        address: where the form goes; the log knows the switch by it.
        buttons: what can be done as things stand.
        done: what operators did with it, the newest first.
    """

    address: str
    buttons: tuple[Button, ...]
    done: tuple[Done, ...]
    log_url: str


def switch_at(address: str, buttons: Sequence[Button]) -> Switch:
    """Return the switch whose form goes to an address, with its past."""
    log = reverse("admin:accounts_operatoraction_changelist")
    rows = OperatorAction.objects.filter(path=address).select_related("operator")
    done = (
        Done(row.at, row.operator.email, row.action.replace("_", " "), row.reason)
        for row in rows.order_by("-pk")[:_ACTIONS_SHOWN]
    )
    return Switch(address, tuple(buttons), tuple(done), f"{log}?q={address}")
