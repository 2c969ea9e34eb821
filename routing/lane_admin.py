"""The operators' page of lanes: how each fares, and the way to its switch."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from batchrouter.kit import clock
from routing.lanes import LaneView, lane_views
from routing.models import Lane


class LaneList(ChangeList):
    """A page of lanes, with what is known of them read once for all."""

    def get_results(self, request: HttpRequest) -> None:
        """Add the view of each lane that the page shows."""
        super().get_results(request)
        rows: list[Any] = list(self.result_list)
        views = lane_views([row.pk for row in rows], now=clock.now())
        for row in rows:
            row.view = views[row.pk]
        self.result_list = rows


@admin.register(Lane)
class LaneAdmin(admin.ModelAdmin[Lane]):
    """Read-only: offerings are switched on their own page."""

    list_display = (
        "lane",
        "state",
        "breaker",
        "window",
        "success",
        "latency",
        "backlog",
        "last_failures",
        "switch",
    )
    list_display_links = None
    list_filter = ("provider", "mode", "enabled")
    list_select_related = ("provider",)
    search_fields = ("public_id", "provider_model", "provider__key")
    ordering = ("pk",)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """List with the views."""
        return LaneList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Lane]:
        """Take the provider along, for every page."""
        return super().get_queryset(request).select_related("provider")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: offerings come from the data files."""
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: Lane | None = None
    ) -> bool:
        """Refuse: the switch is on the offering's own page."""
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: Lane | None = None
    ) -> bool:
        """Refuse: receipts name it."""
        return False

    @admin.display(description="lane", ordering="provider__key")
    def lane(self, row: Lane) -> str:
        """Return provider, model, mode and region."""
        return str(row)

    @admin.display(description="state", ordering="enabled")
    def state(self, row: Lane) -> str:
        """Return whether it gets work as far as the switches go."""
        if row.provider.is_sanctioned:
            return "provider sanctioned"
        if not row.provider.enabled:
            return "provider off"
        return "on" if row.enabled else "off"

    @admin.display(description="breaker")
    def breaker(self, row: Lane) -> str:
        """Return the breaker's state and the reason."""
        view = _view(row)
        reason = f": {view.breaker_reason}" if view.breaker_reason else ""
        return view.breaker.replace("_", "-") + reason

    @admin.display(description="window (calls)", empty_value="-")
    def window(self, row: Lane) -> int | None:
        """Return the calls at once of all workers."""
        return _view(row).window_calls

    @admin.display(description="success since yesterday")
    def success(self, row: Lane) -> str:
        """Return the share and the calls behind it."""
        view = _view(row)
        if view.success_percent is None:
            return "no calls"
        return f"{view.success_percent:.2f} % of {view.calls}"

    @admin.display(description="p50 / p95 of 24 h")
    def latency(self, row: Lane) -> str:
        """Return the percentiles of direct calls."""
        view = _view(row)
        if view.latency_ms_p50 is None:
            return "-"
        return f"{view.latency_ms_p50} / {view.latency_ms_p95} ms"

    @admin.display(description="backlog (items)")
    def backlog(self, row: Lane) -> int:
        """Return the items that the provider has in hand."""
        return _view(row).backlog_items

    @admin.display(description="last failures")
    def last_failures(self, row: Lane) -> str:
        """Return the newest kinds with their instants."""
        return ", ".join(f"{kind} {at}" for kind, at in _view(row).last_failures) or "-"

    @admin.display(description="switch")
    def switch(self, row: Lane) -> SafeString:
        """Return a link to the page with the offering's switch."""
        address = reverse("admin:catalog_offering_change", args=[row.pk])
        return format_html(
            '<a href="{}">{}</a>', address, "switch off" if row.enabled else "switch on"
        )


def _view(row: Any) -> LaneView:
    view: LaneView = row.view
    return view
