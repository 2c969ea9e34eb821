"""Operators' view of routing: versions, health and outcomes."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from batchrouter.kit import clock
from routing import (
    credential_admin,  # noqa: F401 # registers by import
    health,
)
from routing.models import (
    JobQueue,
    OfferingHealth,
    QueuedJob,
    RouteVersion,
    RoutingOutcome,
)


@admin.register(RouteVersion)
class RouteVersionAdmin(admin.ModelAdmin[RouteVersion]):
    """A version that was in force is named by decisions: it stays as it was."""

    list_display = ("public_id", "name", "activated_at", "created_at")
    readonly_fields = ("public_id", "created_at")

    def get_readonly_fields(
        self, request: HttpRequest, obj: RouteVersion | None = None
    ) -> list[str] | tuple[str, ...]:
        """Freeze a version once it was activated."""
        if obj is not None and obj.activated_at is not None:
            return ("public_id", "name", "weights", "activated_at", "created_at")
        return self.readonly_fields

    def has_delete_permission(
        self, request: HttpRequest, obj: RouteVersion | None = None
    ) -> bool:
        """Keep every version."""
        return False


class _ReadOnly:
    """Rows that only the program writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: object | None = None
    ) -> bool:
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: object | None = None
    ) -> bool:
        return False


@admin.register(OfferingHealth)
class OfferingHealthAdmin(_ReadOnly, admin.ModelAdmin[OfferingHealth]):
    """Breakers, and the switch that closes one."""

    list_display = (
        "offering",
        "recent_successes",
        "recent_failures",
        "latency_ms",
        "breaker_open_until",
        "breaker_reason",
        "updated_at",
    )
    list_select_related = ("offering",)
    actions = ("close_breakers",)

    @admin.action(description="Close the breaker and take the lane back")
    def close_breakers(
        self, request: HttpRequest, queryset: QuerySet[OfferingHealth]
    ) -> None:
        """Take the chosen offerings back at once."""
        now = clock.now()
        for row in queryset:
            health.close(row.pk, now=now)
        self.message_user(request, f"{len(queryset)} breakers closed.")


@admin.register(RoutingOutcome)
class RoutingOutcomeAdmin(_ReadOnly, admin.ModelAdmin[RoutingOutcome]):
    list_display = (
        "offering",
        "workload_key",
        "day",
        "successes",
        "failures",
        "expiries",
    )
    list_filter = ("day",)
    list_select_related = ("offering",)


@admin.register(JobQueue)
class JobQueueAdmin(admin.ModelAdmin[JobQueue]):
    """What may wait in jobs at a provider: its tier for us, as an operator knows it."""

    list_display = (
        "provider",
        "provider_model",
        "is_sandbox",
        "tokens_max",
        "requests_max",
        "jobs_max",
        "full_until",
    )
    list_filter = ("provider", "is_sandbox")


@admin.register(QueuedJob)
class QueuedJobAdmin(_ReadOnly, admin.ModelAdmin[QueuedJob]):
    list_display = (
        "ref",
        "provider",
        "provider_model",
        "is_sandbox",
        "tokens",
        "requests",
        "since",
    )
    list_filter = ("provider", "is_sandbox")
