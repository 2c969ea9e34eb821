"""Bring the catalog's rows to what the data files say; safe to repeat.

Rows that the files no longer name are kept and reported. The operators' switches
(``enabled``, ``is_sanctioned``) are set when a row is made and never again. A price is
never changed: another reading becomes another version.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any, TypeVar

from django.db import connection, models, transaction

from catalog.datafiles import DATA_DIR
from catalog.models import (
    ModelProfile,
    Offering,
    OfferingPrice,
    Provider,
    WorkflowProduct,
)
from catalog.wanted import Wanted, WantedOffering, WantedPrice, read_wanted

_SWITCHES = frozenset({"enabled", "is_sanctioned"})
Row = TypeVar("Row", bound=models.Model)
OfferingKey = tuple[str, str, str, str, str]


@dataclass(frozen=True)
class Change:
    """One difference between the files and the database.

    Attributes:
        action: ``added``, ``changed``, ``priced`` or ``not in the files``.
        what: the row, for people.
        detail: the columns that changed, as ``old -> new``.
    """

    action: str
    what: str
    detail: str = ""

    def __str__(self) -> str:
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.action}: {self.what}{detail}"


def load_catalog(
    *, now: datetime, data_dir: Path = DATA_DIR, dry_run: bool = False
) -> list[Change]:
    """Apply the data files and return what changed.

    Args:
        now: new versions of prices hold from this instant.
        data_dir: where the four files are.
        dry_run: find the differences and write nothing.

    Raises:
        CatalogDataError: the files contradict themselves; nothing was written.
    """
    wanted = read_wanted(data_dir)
    with transaction.atomic():
        wait_for_other_loaders()
        changes = _apply(wanted, now)
        transaction.set_rollback(dry_run)
    return changes


def wait_for_other_loaders() -> None:
    """Let two deployments load one after the other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('load_catalog'))")


def _apply(wanted: Wanted, now: datetime) -> list[Change]:
    changes: list[Change] = []
    providers = _sync(
        {row.key: row for row in Provider.objects.all()},
        {key: {"key": key, **row} for key, row in wanted.providers.items()},
        Provider,
        changes,
    )
    profiles = _sync(
        {row.slug: row for row in ModelProfile.objects.all()},
        {slug: {"slug": slug, **row} for slug, row in wanted.models.items()},
        ModelProfile,
        changes,
    )
    offerings = _sync(
        {
            _key(row): row
            for row in Offering.objects.select_related("provider", "model")
        },
        {row.key: _columns(row, providers, profiles) for row in wanted.offerings},
        Offering,
        changes,
    )
    _price_all(wanted, offerings, now, changes)
    _sync(
        {(row.slug, row.version): row for row in WorkflowProduct.objects.all()},
        {
            (slug, version): {"slug": slug, "version": version, **row}
            for (slug, version), row in wanted.workflows.items()
        },
        WorkflowProduct,
        changes,
    )
    return changes


def _key(row: Offering) -> OfferingKey:
    return row.provider.key, row.model.slug, row.mode, row.region, row.privacy


def _columns(
    row: WantedOffering,
    providers: Mapping[str, Provider],
    profiles: Mapping[str, ModelProfile],
) -> dict[str, Any]:
    return {
        "provider": providers[row.provider],
        "model": profiles[row.slug],
        "mode": row.mode,
        "region": row.region,
        "privacy": row.privacy,
        **row.fields,
    }


Key = TypeVar("Key")


def _sync(
    present: dict[Key, Row],
    wanted: Mapping[Key, dict[str, Any]],
    kind: type[Row],
    changes: list[Change],
) -> dict[Key, Row]:
    """Add and change rows of one kind; return them all by their natural key."""
    label = kind._meta.verbose_name
    missing = {
        key: kind(**columns) for key, columns in wanted.items() if key not in present
    }
    kind._default_manager.bulk_create(missing.values())
    changes += [Change("added", f"{label} {_text(key)}") for key in missing]
    for key, row in present.items():
        if key not in wanted:
            changes.append(Change("not in the files", f"{label} {_text(key)}"))
        elif detail := _update(row, wanted[key]):
            changes.append(Change("changed", f"{label} {_text(key)}", detail))
    return {**present, **missing}


def _update(row: models.Model, columns: Mapping[str, Any]) -> str:
    """Write the columns that differ and say which they were."""
    differing = {
        name: (getattr(row, name), value)
        for name, value in columns.items()
        if name not in _SWITCHES and getattr(row, name) != value
    }
    for name, (_, value) in differing.items():
        setattr(row, name, value)
    if differing:
        row.save(update_fields=list(differing))
    return "; ".join(
        f"{name}: {_short(old)} -> {_short(new)}"
        for name, (old, new) in differing.items()
    )


def _price_all(
    wanted: Wanted,
    offerings: Mapping[OfferingKey, Offering],
    now: datetime,
    changes: list[Change],
) -> None:
    last = {
        price.offering_id: price
        for price in OfferingPrice.objects.order_by("offering_id", "valid_from")
    }
    versions = []
    for row in wanted.offerings:
        offering = offerings[row.key]
        version = next_version(offering, last.get(offering.pk), row.price, now)
        if version is not None:
            versions.append(version)
            changes.append(Change("priced", _text(row.key), _rates(row.price)))
    OfferingPrice.objects.bulk_create(versions)


def next_version(
    offering: Offering, last: OfferingPrice | None, wanted: WantedPrice, now: datetime
) -> OfferingPrice | None:
    """Return the version to add, or None where the last one still says it.

    A price that an operator read later than the files did stays. The version is not
    saved.
    """
    if last is None:
        as_of = datetime.combine(wanted.as_of, time.min, tzinfo=UTC)
        # On a machine whose clock lags, the price must still be in force.
        return version_of(offering, wanted, min(as_of, now))
    is_newer = last.as_of > wanted.as_of
    is_same = all(
        getattr(last, name) == value for name, value in asdict(wanted).items()
    )
    if is_newer or is_same:
        return None
    return version_of(offering, wanted, now)


def version_of(
    offering: Offering, wanted: WantedPrice, valid_from: datetime
) -> OfferingPrice:
    """Return a dated price that is not saved."""
    return OfferingPrice(offering=offering, valid_from=valid_from, **asdict(wanted))


def _rates(price: WantedPrice) -> str:
    return f"{price.input}/{price.cached_input}/{price.output} nano-dollars per Mtok"


def _text(key: object) -> str:
    return " ".join(map(str, key)) if isinstance(key, tuple) else str(key)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "…"
