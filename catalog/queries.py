"""The rows behind the catalog's pages, with what their rendering needs."""

from datetime import datetime

from django.db.models import Prefetch, QuerySet

from catalog.models import (
    DemandKind,
    ModelProfile,
    Offering,
    OfferingPrice,
    WorkflowProduct,
)
from catalog.values import PRIVACY_TIERS


def models_with_offerings(
    *,
    now: datetime,
    operation: str | None = None,
    provider: str | None = None,
    region: str | None = None,
    privacy_tier: str | None = None,
) -> QuerySet[ModelProfile]:
    """Return the models that have an offering which meets every filter.

    Only such offerings come with them, each with the price in force at ``now``.
    """
    offerings = _offerings(operation, provider, region, privacy_tier)
    models = ModelProfile.objects.order_by("pk")
    if operation is not None:
        models = models.filter(operations__contains=[operation])
    if (operation, provider, region, privacy_tier) != (None, None, None, None):
        models = models.filter(pk__in=offerings.values("model"))
    in_force = (
        OfferingPrice.objects.filter(valid_from__lte=now)
        .order_by("offering_id", "-valid_from")
        .distinct("offering_id")
    )
    shown = offerings.select_related("provider").order_by("pk")
    return models.prefetch_related(
        Prefetch("offerings", shown.prefetch_related(Prefetch("prices", in_force)))
    )


def _offerings(
    operation: str | None,
    provider: str | None,
    region: str | None,
    privacy_tier: str | None,
) -> QuerySet[Offering]:
    rows = Offering.objects.all()
    if operation == "vision":
        rows = rows.filter(supports_vision=True)
    if provider is not None:
        rows = rows.filter(provider__key=provider)
    if region is not None:
        rows = rows.filter(region=region)
    if privacy_tier is not None:
        enough = PRIVACY_TIERS[PRIVACY_TIERS.index(privacy_tier) :]
        rows = rows.filter(privacy__in=enough)
    return rows


def current_workflows() -> list[WorkflowProduct]:
    """Return the current version of every packaged job, oldest job first."""
    rows = WorkflowProduct.objects.filter(enabled=True)
    current = rows.order_by("slug", "-version").distinct("slug")
    return sorted(current, key=lambda row: row.pk)


def display_names(kind: str) -> dict[str, str]:
    """Return the names of models or workflow products by slug."""
    if kind == DemandKind.MODEL:
        return dict(ModelProfile.objects.values_list("slug", "display_name"))
    return {row.slug: row.name for row in current_workflows()}
