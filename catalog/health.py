"""How providers fared: hourly sums from batches, shown as rates without counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.db import connection
from django.db.models import Q, Sum

from catalog.models import ProviderHour

WINDOWS = {"24h": timedelta(hours=24), "30d": timedelta(days=30)}
# Below this a rate says more about chance than about the provider.
CALLS_MIN = 20

_FOLD = """
INSERT INTO catalog_providerhour AS h
    (provider_id, hour, succeeded, failed)
SELECT id, %s, %s, %s FROM catalog_provider WHERE key = %s
ON CONFLICT (provider_id, hour) DO UPDATE SET
    succeeded = h.succeeded + EXCLUDED.succeeded,
    failed = h.failed + EXCLUDED.failed
"""


@dataclass(frozen=True, slots=True)
class Health:
    """A provider's health over a window.

    Attributes:
        success_rate: answered calls of all calls, 0 to 1; None after too few calls.
    """

    basis: Literal["observed", "too_few_calls"]
    success_rate: float | None


_UNKNOWN = Health("too_few_calls", None)


def fold(*, provider: str, at: datetime, succeeded: int, failed: int) -> None:
    """Add calls to their hour; an unknown provider is left out.

    Args:
        provider: the provider's key.
        at: when they ended.
        succeeded: calls that were answered.
        failed: calls that the provider failed; the customer's own errors do not count.
    """
    hour = at.replace(minute=0, second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(_FOLD, [hour, succeeded, failed, provider])


def health_by_provider(*, now: datetime) -> dict[int, dict[str, Health]]:
    """Return the health of every observed provider by its row id and window name."""
    sums = {}
    for name, length in WINDOWS.items():
        within = Q(hour__gt=now - length)
        for column in ("succeeded", "failed"):
            sums[f"{column}_{name}"] = Sum(column, filter=within, default=0)
    grouped = ProviderHour.objects.filter(hour__gt=now - max(WINDOWS.values()))
    return {
        row["provider_id"]: {name: _health(row, name) for name in WINDOWS}
        for row in grouped.values("provider_id").annotate(**sums)
    }


def unknown_health() -> dict[str, Health]:
    """Return what is said of a provider nobody observed."""
    return dict.fromkeys(WINDOWS, _UNKNOWN)


def _health(row: Mapping[str, Any], window: str) -> Health:
    succeeded: int = row[f"succeeded_{window}"]
    calls: int = succeeded + row[f"failed_{window}"]
    if calls < CALLS_MIN:
        return _UNKNOWN
    return Health("observed", round(succeeded / calls, 4))
