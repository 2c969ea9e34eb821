"""What a provider asked for a model at an instant, by the provider's own name of it.

For work that was not done here: names and instants come from a customer's files, so a
dated snapshot is found under its model, and what is not in the price book has no price.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from catalog.models import Offering, OfferingPrice
from catalog.models.providers import Region
from catalog.pricing import Price
from catalog.values import price_value

Mode = Literal["batch", "direct"]
# gpt-5.4-mini-2026-03-17, claude-haiku-4-5-20251001.
_SNAPSHOT: Final = re.compile(r"[-@](?:20\d{2}-\d{2}-\d{2}|20\d{6})\Z")


@dataclass(frozen=True, slots=True)
class ListPrice:
    """A list price for work of the past.

    Attributes:
        was_in_force: the price was known to hold then; else it is the earliest that
            the price book has.
    """

    model: str
    price: Price
    was_in_force: bool


@dataclass(frozen=True, slots=True)
class _History:
    model: str
    starts: list[datetime]
    prices: list[Price]


class ListPrices:
    """The price book of one provider, read once.

    Prices of the global region are taken where there are several.
    """

    def __init__(self, provider: str) -> None:
        rows = (
            OfferingPrice.objects.filter(offering__provider__key=provider)
            .select_related("offering__model")
            .order_by("offering_id", "valid_from")
        )
        offerings: dict[int, list[OfferingPrice]] = defaultdict(list)
        for row in rows:
            offerings[row.offering_id].append(row)
        self._histories: dict[tuple[str, str], _History] = {}
        self._slugs: dict[str, str] = {}
        for found in sorted(offerings.values(), key=_preference):
            offering = found[0].offering
            name = offering.provider_model.lower()
            self._slugs.setdefault(name, offering.model.slug)
            self._histories.setdefault((name, offering.mode), _history(found))

    def model(self, name: str) -> str | None:
        """Return the slug of the model that the provider calls so; None if unknown."""
        return self._slugs.get(self._known(name))

    def find(self, name: str, mode: Mode, at: datetime) -> ListPrice | None:
        """Return the price of a model at an instant; None where the book has none."""
        history = self._histories.get((self._known(name), mode))
        if history is None:
            return None
        place = bisect_right(history.starts, at)
        return ListPrice(
            history.model, history.prices[max(place - 1, 0)], was_in_force=place > 0
        )

    def _known(self, name: str) -> str:
        lower = name.lower()
        return lower if lower in self._slugs else _SNAPSHOT.sub("", lower)


def _preference(rows: list[OfferingPrice]) -> tuple[bool, int]:
    return rows[0].offering.region != Region.GLOBAL, rows[0].offering_id


def _history(rows: Iterable[OfferingPrice]) -> _History:
    found = list(rows)
    return _History(
        model=found[0].offering.model.slug,
        starts=[row.valid_from for row in found],
        prices=[price_value(row) for row in found],
    )


def token_factors() -> dict[tuple[str, str], int]:
    """Return tokens per o200k token, times 10,000, by provider and model."""
    rows = Offering.objects.values_list(
        "provider__key",
        "model__slug",
        "model__token_factor_bps",
        "provider__token_factor_bps",
    ).distinct()
    return {
        (provider, model): of_model or of_provider
        for provider, model, of_model, of_provider in rows
    }
