"""The operators' view: a switch and a way to add a price; the rest is read-only.

Providers and lanes are switched on pages of their own, with a reason that the log
keeps.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from batchrouter.kit import clock
from catalog import ageing
from catalog.models import (
    ModelProfile,
    Offering,
    OfferingPrice,
    Provider,
    SettledDemand,
    WorkflowProduct,
)


class CatalogAdmin(admin.ModelAdmin[Any]):
    """Everything is read-only but ``switches``; rows come from ``load_catalog``."""

    switches: tuple[str, ...] = ()

    def get_readonly_fields(
        self, request: HttpRequest, obj: Any | None = None
    ) -> list[str]:
        """Return every column that is not a switch."""
        columns = [column.name for column in self.model._meta.fields]
        return [name for name in columns if name not in self.switches]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: rows come from the data files."""
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: Any | None = None
    ) -> bool:
        """Refuse where there is nothing to switch."""
        return bool(self.switches) and super().has_change_permission(request, obj)

    def has_delete_permission(
        self, request: HttpRequest, obj: Any | None = None
    ) -> bool:
        """Refuse: switch it off instead; receipts name it."""
        return False


@admin.register(Provider)
class ProviderAdmin(CatalogAdmin):
    list_display = (
        "key",
        "display_name",
        "enabled",
        "is_sanctioned",
        "as_of",
        "switch",
    )
    search_fields = ("key", "display_name")

    def get_readonly_fields(
        self, request: HttpRequest, obj: Any | None = None
    ) -> list[str]:
        """Lead from the page of a row to the switch too."""
        return [*super().get_readonly_fields(request, obj), "switch"]

    @admin.display(description="lanes and switch")
    def switch(self, provider: Provider) -> SafeString:
        """Return the way to the page that asks for a reason."""
        address = reverse("operators-provider", args=[provider.pk])
        return format_html('<a href="{}">{}</a>', address, provider.display_name)


class UpkeepFilter(admin.SimpleListFilter):
    """Offerings that need somebody's attention."""

    title = "upkeep"
    parameter_name = "upkeep"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the two reasons."""
        return [("stale", "price read too long ago"), ("ending", "ends soon")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Offering]
    ) -> QuerySet[Offering]:
        """Narrow the list to the chosen reason."""
        narrow = {"stale": ageing.stale, "ending": ageing.ending}.get(
            self.value() or ""
        )
        return queryset if narrow is None else narrow(queryset, now=clock.now())


@admin.register(Offering)
class OfferingAdmin(CatalogAdmin):
    list_display = (
        "public_id",
        "provider",
        "model",
        "mode",
        "region",
        "privacy",
        "adapter",
        "price_as_of",
        "is_price_fresh",
        "deprecates_at",
        "enabled",
        "switch",
    )
    list_filter = (UpkeepFilter, "provider", "mode", "region", "privacy", "enabled")
    list_select_related = ("provider", "model")
    search_fields = ("public_id", "provider_model", "model__slug")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Add the day on which each price in force was read."""
        return ageing.with_price_age(super().get_queryset(request), now=clock.now())

    def get_readonly_fields(
        self, request: HttpRequest, obj: Any | None = None
    ) -> list[str]:
        """Lead from the page of a row to the switch too."""
        return [*super().get_readonly_fields(request, obj), "switch"]

    @admin.display(description="lane and switch")
    def switch(self, row: Offering) -> SafeString:
        """Return the way to the page that asks for a reason."""
        address = reverse("operators-lane", args=[row.pk])
        return format_html(
            '<a href="{}">{} {}</a>', address, row.provider_model, row.mode
        )

    @admin.display(description="price read on", ordering="price_as_of")
    def price_as_of(self, row: Any) -> date | None:
        """Return the day, or None where no price is in force."""
        as_of: date | None = row.price_as_of
        return as_of

    @admin.display(description="price fresh", boolean=True)
    def is_price_fresh(self, row: Any) -> bool | None:
        """Tell a price that was read lately; None where there is none."""
        as_of: date | None = row.price_as_of
        return None if as_of is None else as_of >= ageing.oldest_fresh_day(clock.now())


@admin.register(ModelProfile)
class ModelProfileAdmin(CatalogAdmin):
    list_display = ("slug", "family", "context_window", "quality", "deprecates_at")
    list_filter = ("family",)
    search_fields = ("slug", "display_name")


@admin.register(WorkflowProduct)
class WorkflowProductAdmin(CatalogAdmin):
    switches = ("enabled",)
    list_display = ("slug", "version", "name", "workflow_fee_bps", "enabled")


class OneOrAnyFilter(admin.AllValuesFieldListFilter):
    """All values of a column whose empty one, which means "any", needs a name."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Yield Django's choices, none of them without a name."""
        for choice in super().choices(changelist):
            yield {**choice, "display": choice["display"] or "any"}


@admin.register(SettledDemand)
class SettledDemandAdmin(CatalogAdmin):
    list_display = ("day", "kind", "slug", "provider", "operation", "items", "tokens")
    list_filter = ("kind", ("provider", OneOrAnyFilter), ("operation", OneOrAnyFilter))
    date_hierarchy = "day"


class OfferingPriceForm(forms.ModelForm[OfferingPrice]):
    """A new version; it cannot hold from an instant that has passed."""

    class Meta:
        model = OfferingPrice
        fields = (
            "offering",
            "valid_from",
            "input",
            "cached_input",
            "output",
            "tiers",
            "source",
            "as_of",
            "price_basis",
        )

    def clean_valid_from(self) -> Any:
        """Refuse the past: work was quoted and settled at the price of then."""
        valid_from = self.cleaned_data["valid_from"]
        if valid_from < clock.now():
            raise forms.ValidationError("A price can hold from now on, not before.")
        return valid_from


@admin.register(OfferingPrice)
class OfferingPriceAdmin(admin.ModelAdmin[OfferingPrice]):
    """Prices are added, never changed; the database refuses it too."""

    form = OfferingPriceForm
    autocomplete_fields = ("offering",)
    list_display = (
        "offering",
        "valid_from",
        "input",
        "cached_input",
        "output",
        "as_of",
        "source",
    )
    list_select_related = ("offering",)
    date_hierarchy = "valid_from"

    def has_change_permission(
        self, request: HttpRequest, obj: OfferingPrice | None = None
    ) -> bool:
        """Refuse: a price that was quoted stays what it was."""
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: OfferingPrice | None = None
    ) -> bool:
        """Refuse: receipts name it."""
        return False
