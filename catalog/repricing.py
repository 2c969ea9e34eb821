"""Compare a price map with the price book, and add dated versions once approved.

No price is ever changed: another reading becomes another version. What else a map says
(new models, retirements) is told and left alone; it comes with the data files.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from catalog.datafiles import JSON, CatalogDataError, midnight
from catalog.loading import next_version, version_of, wait_for_other_loaders
from catalog.models import Mode, Offering, OfferingPrice
from catalog.pricefile import PriceFile
from catalog.pricing import Price
from catalog.values import price_value
from catalog.wanted import has_batch_price, price_of

# What a person must say yes to: a slipped decimal point looks like this.
RISE_MAX = 3
FALL_MAX = 10


@dataclass(frozen=True)
class RateMove:
    """One rate before and after, in nano-dollars per million tokens."""

    name: str
    old: int
    new: int

    @property
    def percent(self) -> Decimal | None:
        """The change to one place; None where there was nothing before."""
        if self.old == 0:
            return None
        share = Decimal(self.new - self.old) * 100 / self.old
        return share.quantize(Decimal("0.1"))

    @property
    def is_jump(self) -> bool:
        """Whether it rose more than threefold or fell below a tenth."""
        return self.new > RISE_MAX * self.old or FALL_MAX * self.new < self.old


@dataclass(frozen=True)
class Difference:
    """One difference between a price map and the price book.

    Attributes:
        action: ``first``, ``changed`` or ``confirmed`` (a version is to be added);
            ``kept``, ``new``, ``gone`` or ``deprecation`` (told only).
        mode: None for a model that no offering has.
        moves: the rates that differ.
    """

    action: str
    provider: str
    model: str
    mode: str | None
    detail: str = ""
    moves: tuple[RateMove, ...] = ()


class JumpsNotAllowed(CatalogDataError):
    """A price rose or fell too far to be taken without a person's word."""

    def __init__(self, differences: list[Difference]) -> None:
        super().__init__("prices jump")
        self.differences = differences


@dataclass(frozen=True)
class Repricing:
    """What a price map would change.

    Attributes:
        version_count: price versions that it adds.
    """

    differences: list[Difference]
    version_count: int

    @property
    def jumps(self) -> list[Difference]:
        """The differences that need a person's word."""
        return [
            found
            for found in self.differences
            if found.action == "changed" and any(move.is_jump for move in found.moves)
        ]


def sync_prices(
    file: PriceFile, *, now: datetime, approve: bool = False, allow_jumps: bool = False
) -> Repricing:
    """Find what a price map changes, and add the versions where that is approved.

    Args:
        file: the checked map.
        now: new versions hold from this instant.
        approve: write; without it nothing is.
        allow_jumps: also take prices that jump.

    Raises:
        JumpsNotAllowed: approved, and a price jumps; nothing was written.
    """
    with transaction.atomic():
        wait_for_other_loaders()
        differences, versions = _compare(file, now)
        found = Repricing(differences, len(versions))
        if approve:
            if found.jumps and not allow_jumps:
                raise JumpsNotAllowed(found.jumps)
            OfferingPrice.objects.bulk_create(versions)
    return found


def _compare(
    file: PriceFile, now: datetime
) -> tuple[list[Difference], list[OfferingPrice]]:
    differences: list[Difference] = []
    versions: list[OfferingPrice] = []
    last = {
        price.offering_id: price
        for price in OfferingPrice.objects.order_by("offering_id", "valid_from")
    }
    offerings = list(Offering.objects.select_related("provider").order_by("pk"))
    for offering in offerings:
        row = file.rows.get((offering.provider.key, offering.provider_model))
        if row is None or not _is_priced(row, offering.mode):
            differences.append(_told("gone", offering, "the last price holds on"))
            continue
        differences += _retirement(offering, row)
        difference, version = _judge(offering, row, last.get(offering.pk), file, now)
        if difference is not None:
            differences.append(difference)
        if version is not None:
            versions.append(version)
    return differences + list(_new_models(file, offerings)), versions


def _is_priced(row: JSON, mode: str) -> bool:
    return mode == Mode.DIRECT or has_batch_price(row)


def _told(action: str, offering: Offering, detail: str, *moves: RateMove) -> Difference:
    return Difference(
        action,
        offering.provider.key,
        offering.provider_model,
        offering.mode,
        detail,
        moves,
    )


def _judge(
    offering: Offering,
    row: JSON,
    last: OfferingPrice | None,
    file: PriceFile,
    now: datetime,
) -> tuple[Difference | None, OfferingPrice | None]:
    """Return what to tell of an offering's price, and the version to add."""
    wanted = price_of(row, offering.mode, file.as_of)
    version = next_version(offering, last, wanted, now)
    if last is None:
        return _told("first", offering, "had no price"), version
    listed = price_value(version_of(offering, wanted, now))
    moves = _moves(price_value(last), listed)
    kept = _why_kept(last, file, now)
    if kept is not None:
        return _told("kept", offering, kept, *moves) if moves else None, None
    if version is None:
        return None, None
    if moves:
        return _told("changed", offering, "", *moves), version
    return _told("confirmed", offering, f"read again on {file.as_of}"), version


def _why_kept(last: OfferingPrice, file: PriceFile, now: datetime) -> str | None:
    """Return why an operator's later word stands, or None where there is none."""
    if last.valid_from > now:
        return f"another price is set from {last.valid_from:%Y-%m-%d} on"
    if last.as_of > file.as_of:
        return f"the price was read on {last.as_of}, later than the file"
    return None


def _moves(old: Price, new: Price) -> tuple[RateMove, ...]:
    """Compare rates as calls of each size meet them; tiers may come and go."""
    bounds = {tier.above_input_tokens for tier in (*old.tiers, *new.tiers)}
    found = []
    for above in (0, *sorted(bounds)):
        before, after = old.tier_for(above + 1), new.tier_for(above + 1)
        suffix = f" above {above} tokens" if above else ""
        found += [
            RateMove(name + suffix, getattr(before, name), getattr(after, name))
            for name in ("input", "cached_input", "output")
        ]
    return tuple(move for move in found if move.old != move.new)


def _retirement(offering: Offering, row: JSON) -> Iterator[Difference]:
    """Tell a date that the map has and the catalog has not, or another one."""
    day = row.get("deprecation_date")
    named = None if day is None else midnight(day)
    known = offering.deprecates_at
    if named is not None and named != known:
        before = "no date" if known is None else f"{known:%Y-%m-%d}"
        yield _told("deprecation", offering, f"{before} -> {day}")


def _new_models(file: PriceFile, offerings: list[Offering]) -> Iterator[Difference]:
    known = {(row.provider.key, row.provider_model) for row in offerings}
    for provider, model in file.rows:
        if (provider, model) not in known:
            yield Difference("new", provider, model, None, "no offering has it yet")
