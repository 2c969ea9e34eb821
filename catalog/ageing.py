"""Which prices were read too long ago, and which offerings end soon."""

from datetime import date, datetime, timedelta
from typing import TypeAlias, TypedDict

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery
from django_stubs_ext import WithAnnotations

from catalog.models import Offering, OfferingPrice


class PriceAge(TypedDict):
    """What :func:`with_price_age` adds; None where no price is in force."""

    price_as_of: date | None


AgedOfferings: TypeAlias = "QuerySet[WithAnnotations[Offering, PriceAge]]"


def with_price_age(rows: QuerySet[Offering], *, now: datetime) -> AgedOfferings:
    """Add ``price_as_of``, the day on which the price in force was read."""
    in_force = OfferingPrice.objects.filter(
        offering=OuterRef("pk"), valid_from__lte=now
    ).order_by("-valid_from")
    return rows.annotate(price_as_of=Subquery(in_force.values("as_of")[:1]))


def stale(rows: QuerySet[Offering], *, now: datetime) -> AgedOfferings:
    """Return the offerings whose price is older than ``PRICE_STALE_DAYS``."""
    aged = with_price_age(rows, now=now)
    return aged.filter(price_as_of__lt=oldest_fresh_day(now))


def oldest_fresh_day(now: datetime) -> date:
    """Return the first day whose readings are not stale yet."""
    return now.date() - timedelta(days=settings.PRICE_STALE_DAYS)


def ending(rows: QuerySet[Offering], *, now: datetime) -> QuerySet[Offering]:
    """Return the offerings that end within ``DEPRECATION_NOTICE_DAYS``, soonest first.

    Those that have ended are left out.
    """
    found = rows.filter(deprecates_at__gt=now, deprecates_at__lte=notice_until(now))
    return found.order_by("deprecates_at", "pk")


def notice_until(now: datetime) -> datetime:
    """Return the instant up to which an end is soon."""
    return now + timedelta(days=settings.DEPRECATION_NOTICE_DAYS)


def in_use() -> QuerySet[Offering]:
    """Return the offerings that neither they nor their provider are switched off."""
    return Offering.objects.filter(
        enabled=True, provider__enabled=True, provider__is_sanctioned=False
    )
