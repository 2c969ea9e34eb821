"""What imports of an org come to, by import and by model."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.db.models import Max, Min, Sum

from accounts.models import Org
from batches.models import Import, ImportedDay
from batches.services.quoting import MODEL_FEE_BPS
from catalog.selectors import offerings_for_models
from catalog.values import CatalogOffering
from console.estimates import Job, LanePrice, lane_prices
from console.presenters.imports import NO_SUMS, ModelSums, Sums

# A bucket that does not tell its requests is priced as calls of this many tokens.
_CALL_TOKENS: Final = 1000


def sums_of(org: Org, imports: Sequence[Import]) -> dict[int, Sums]:
    """Sum the days of many imports in one query, by the import's row id."""
    rows = (
        ImportedDay.objects.filter(imported__org=org, imported__in=imports)
        .values("imported_id")
        .annotate(
            items=Sum("items"),
            given=Sum("input_tokens"),
            made=Sum("output_tokens"),
            cost=Sum("cost_nanousd"),
            first=Min("day"),
            last=Max("day"),
        )
    )
    found = dict.fromkeys((each.pk for each in imports), NO_SUMS)
    for row in rows:
        found[row["imported_id"]] = Sums(
            items=int(row["items"]),
            tokens=int(row["given"] + row["made"]),
            cost_nanousd=int(row["cost"]),
            first=row["first"],
            last=row["last"],
        )
    return found


def models_in(row: Import, *, now: datetime) -> list[ModelSums]:
    """Sum an import by model, mode and operation, and price it here, dearest first."""
    rows = list(
        ImportedDay.objects.filter(imported=row)
        .values("model", "mode", "operation")
        .annotate(
            count=Sum("items"),
            given=Sum("input_tokens"),
            cached=Sum("cached_tokens"),
            made=Sum("output_tokens"),
            cost=Sum("cost_nanousd"),
        )
        .order_by("-cost", "model", "mode", "operation")
    )
    offerings = offerings_for_models([found["model"] for found in rows], now=now)
    return [_model_sums(found, offerings) for found in rows]


def _model_sums(
    found: Mapping[str, Any], offerings: Sequence[CatalogOffering]
) -> ModelSums:
    given, made = int(found["given"]), int(found["made"])
    cheapest = _cheapest(found, offerings) if given or made else None
    return ModelSums(
        model=found["model"],
        mode=found["mode"],
        operation=found["operation"],
        items=int(found["count"]),
        input_tokens=given,
        cached_tokens=int(found["cached"]),
        output_tokens=made,
        cost_nanousd=int(found["cost"]),
        here_nanousd=None if cheapest is None else cheapest.total_nanousd,
        lane="" if cheapest is None else f"{cheapest.provider}, {cheapest.mode}",
    )


def _cheapest(
    found: Mapping[str, Any], offerings: Sequence[CatalogOffering]
) -> LanePrice | None:
    """Price the work by the cheapest open lane of its model, as average items."""
    given, made = int(found["given"]), int(found["made"])
    items = int(found["count"]) or max(1, given // _CALL_TOKENS)
    job = Job(items, given // items, made // items, MODEL_FEE_BPS)
    fitting = [
        one
        for one in offerings
        if one.model == found["model"] and found["operation"] in one.operations
    ]
    return next(iter(lane_prices(fitting, job)), None)
