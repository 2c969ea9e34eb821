"""Keep which offerings answer worse than they used to, from when to when."""

from datetime import datetime

from django.db import transaction

from catalog import health as catalog_health
from catalog.models import Offering
from routing.contracts import Drift
from routing.drift import Found
from routing.models import OfferingDrift


@transaction.atomic
def note(offering_id: int, source: str, found: Found | None, *, now: datetime) -> None:
    """Open, renew or end an offering's drift.

    Args:
        offering_id: which offering.
        source: what found it, as in :class:`routing.contracts.Finding`.
        found: the present state; None ends what was on.
        now: when it was looked at.
    """
    Offering.objects.select_for_update(no_key=True).get(pk=offering_id)
    rows = OfferingDrift.objects.filter(
        offering_id=offering_id, source=source, ended_at=None
    )
    if found is None:
        rows.update(ended_at=now)
        return
    rates = {
        "failing_before": found.failing_before,
        "failing_now": found.failing_now,
        "answers": found.answers,
    }
    if rows.update(**rates) == 0:
        OfferingDrift.objects.create(
            offering_id=offering_id,
            source=source,
            since=found.since,
            detected_at=now,
            **rates,
        )


def present_drifts() -> dict[int, Drift]:
    """Return the drift that is on by offering; of two the one that fails more."""
    rows = OfferingDrift.objects.filter(ended_at=None).order_by("failing_now", "id")
    return {
        row.offering_id: Drift(
            source=row.source,
            since=row.since.isoformat(),
            failing_before=row.failing_before,
            failing_now=row.failing_now,
        )
        for row in rows
    }


def drifting(_now: datetime) -> dict[int, int]:
    """Return 1 for every offering that answers worse than it used to."""
    return dict.fromkeys(present_drifts(), 1)


def register() -> None:
    """Let the public directory count the lanes that drift."""
    catalog_health.register_reading("drifting_lanes", drifting)
