"""The way around for operators: their own pages, and the lists they need most."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import template
from django.urls import reverse

register = template.Library()

_PLACES = (
    ("operators", "Dashboard", "batches.view_batch"),
    ("operators-stuck", "Stuck work", "batches.view_batch"),
    ("operators-lanes", "Lanes", "routing.view_lane"),
    ("admin:batches_batch_changelist", "Batches", "batches.view_batch"),
    (
        "admin:billing_operatorrequest_changelist",
        "Refunds",
        "billing.view_operatorrequest",
    ),
    (
        "admin:billing_ledgertransaction_changelist",
        "Ledger",
        "billing.view_ledgertransaction",
    ),
    ("admin:accounts_org_changelist", "Organizations", "accounts.view_org"),
    (
        "admin:accounts_operatoraction_changelist",
        "Log",
        "accounts.view_operatoraction",
    ),
)


@dataclass(frozen=True, slots=True)
class Tab:
    """A link; ``count`` is what ``components/tabs.html`` may show beside it."""

    url: str
    name: str
    is_current: bool
    count: int | None = None


@register.simple_tag(takes_context=True)
def operator_tabs(context: dict[str, Any]) -> tuple[Tab, ...]:
    """Return the links that the operator may follow; "Everything" is the admin."""
    request = context["request"]
    if not request.user.is_staff:
        return ()
    return tuple(_tabs(request))


def _tabs(request: Any) -> Iterator[Tab]:
    for name, label, permission in _PLACES:
        if request.user.has_perm(permission):
            url = reverse(name)
            yield Tab(url, label, request.path.startswith(url))
    index = reverse("admin:index")
    yield Tab(index, "Everything", request.path == index)
