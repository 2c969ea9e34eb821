"""Operators' view of batches and work units, and what befell each item.

Facts only: prompts and answers are the customer's.
"""

from enum import StrEnum
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from batches import telling
from batches.explaining import explain_route
from batches.following import follow_item
from batches.models import Batch, Execution, WorkUnit
from batches.states import UNIT_OPEN, BatchState, UnitState
from batchrouter.kit.errors import NotFound
from batchrouter.kit.money import format_usd


class _ReadOnly:
    """Batches and units move by their services alone, and receipts name them."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Refuse."""
        return False


def _states(states: type[StrEnum]) -> type[admin.SimpleListFilter]:
    """Filter by state without asking the table which ones it has."""

    class StateFilter(admin.SimpleListFilter):
        title = "state"
        parameter_name = "state__exact"

        def lookups(
            self, request: HttpRequest, model_admin: Any
        ) -> list[tuple[str, str]]:
            return [(str(state), str(state)) for state in states]

        def queryset(
            self, request: HttpRequest, queryset: QuerySet[Any]
        ) -> QuerySet[Any]:
            chosen = self.value()
            return queryset.filter(state=chosen) if chosen else queryset

    return StateFilter


@admin.register(Batch)
class BatchAdmin(_ReadOnly, admin.ModelAdmin[Batch]):
    list_display = (
        "public_id",
        "org",
        "state",
        "terminal_reason",
        "item_count",
        "quoted",
        "charged",
        "deadline_at",
        "created_at",
    )
    list_filter = (_states(BatchState),)
    list_select_related = ("org", "quote")
    search_fields = ("public_id", "org__public_id", "org__name", "quote__public_id")
    ordering = ("-id",)
    date_hierarchy = "created_at"
    fields = (
        "public_id",
        "org",
        "state",
        "terminal_reason",
        "item_count",
        "quoted",
        "charged",
        "created_at",
        "deadline_at",
        "cancel_requested_at",
        "completed_at",
        "items",
        "units",
        "story",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Batch]:
        """Leave the long columns of quotes in the database until they are asked for."""
        found = super().get_queryset(request).select_related("org", "quote")
        return found.defer("quote__decisions", "quote__reply", "quote__spec")

    def get_urls(self) -> list[URLPattern]:
        """Add the page that follows one item."""
        follow = self.admin_site.admin_view(self.follow)
        page = path("<int:pk>/item/", follow, name="batches_batch_item")
        return [page, *super().get_urls()]

    def follow(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show one item through its attempts."""
        batch = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_view_permission(request, batch):
            raise PermissionDenied
        name = request.GET.get("name", "").strip()
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": f"One item of {batch.public_id}",
            "batch": batch,
            "name": name,
        }
        if name:
            try:
                context["found"] = follow_item(batch, name)
            except NotFound as error:
                context["missing"] = error.message
        return TemplateResponse(request, "admin/batches/item.html", context)

    @admin.display(description="quoted (USD)")
    def quoted(self, batch: Batch) -> str:
        """Return the ceiling."""
        return format_usd(batch.quote.total_nanousd)

    @admin.display(description="charged (USD)", empty_value="-")
    def charged(self, batch: Batch) -> str | None:
        """Return what was settled, once it was."""
        charged = batch.charged_nanousd
        return None if charged is None else format_usd(charged)

    @admin.display(description="items")
    def items(self, batch: Batch) -> SafeString:
        """Return the way to one of its items."""
        address = reverse("admin:batches_batch_item", args=[batch.pk])
        return format_html('<a href="{}">Follow one item</a>', address)

    @admin.display(description="work units")
    def units(self, batch: Batch) -> SafeString:
        """Return the way to them."""
        address = reverse("admin:batches_workunit_changelist")
        return format_html(
            '<a href="{}?batch__id__exact={}">All of them</a>', address, batch.pk
        )

    @admin.display(description="how it was routed, and why")
    def story(self, batch: Batch) -> SafeString:
        """Return what ``manage.py explain_route`` tells."""
        told = "\n".join(telling.story(explain_route(batch)))
        return format_html(
            '<pre role="region" aria-label="Story" tabindex="0">{}</pre>', told
        )


class ExecutionInline(_ReadOnly, admin.TabularInline[Execution, WorkUnit]):
    model = Execution
    fields = (
        "public_id",
        "lane",
        "state",
        "outcome",
        "item_count",
        "completed",
        "failures",
        "started_at",
        "ended_at",
    )
    readonly_fields = fields
    ordering = ("pk",)

    @admin.display(description="lane")
    def lane(self, run: Execution) -> str:
        """Return provider, model and mode."""
        return f"{run.provider} {run.provider_model} {run.mode}"


@admin.register(WorkUnit)
class WorkUnitAdmin(_ReadOnly, admin.ModelAdmin[WorkUnit]):
    """Without a batch asked for, the list has the open ones only."""

    list_display = (
        "public_id",
        "batch_id_shown",
        "state",
        "mode",
        "stage",
        "held_reason",
        "rows",
        "next_action_at",
        "leave_at",
    )
    list_filter = (_states(UnitState),)
    list_select_related = ("batch",)
    search_fields = ("public_id", "batch__public_id")
    ordering = ("-id",)
    show_full_result_count = False
    exclude = ("lease_token", "org_id")
    inlines = (ExecutionInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[WorkUnit]:
        """Leave the ended ones out of a list that would count them all."""
        found = super().get_queryset(request).select_related("batch")
        is_list = request.path == reverse("admin:batches_workunit_changelist")
        if is_list and not {"batch__id__exact", "q"} & request.GET.keys():
            found = found.filter(state__in=UNIT_OPEN)
        return found

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[WorkUnit], search_term: str
    ) -> tuple[QuerySet[WorkUnit], bool]:
        """Look for whole ids, which have an index each."""
        term = search_term.strip()
        if not term:
            return queryset, False
        return queryset.filter(Q(public_id=term) | Q(batch__public_id=term)), False

    @admin.display(description="batch")
    def batch_id_shown(self, unit: WorkUnit) -> SafeString:
        """Return the batch as a link."""
        address = reverse("admin:batches_batch_change", args=[unit.batch_id])
        return format_html('<a href="{}">{}</a>', address, unit.batch.public_id)

    @admin.display(description="items with a row")
    def rows(self, unit: WorkUnit) -> str:
        """Return how many of its items have one."""
        return f"{unit.row_count} of {unit.item_count}"
