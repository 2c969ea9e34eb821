"""Operators' view of batches: what they are about, and what befell each item.

Facts only: prompts and answers are the customer's.
"""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from batches import telling
from batches.explaining import explain_route
from batches.following import follow_item
from batches.models import Batch
from batchrouter.kit.errors import NotFound
from batchrouter.kit.money import format_usd


@admin.register(Batch)
class BatchAdmin(admin.ModelAdmin[Batch]):
    """Read-only: a batch moves by its services alone."""

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
    list_filter = ("state", "terminal_reason")
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

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: customers submit them."""
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: Batch | None = None
    ) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: Batch | None = None
    ) -> bool:
        """Refuse: receipts name it."""
        return False

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

    @admin.display(description="how it was routed, and why")
    def story(self, batch: Batch) -> SafeString:
        """Return what ``manage.py explain_route`` tells."""
        told = "\n".join(telling.story(explain_route(batch)))
        return format_html("<pre>{}</pre>", told)
