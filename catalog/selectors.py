"""What other apps read of the catalog, as plain values.

Most functions ask for the catalog's revision (one query) and answer from what this
process holds where nothing changed. Callers in a loop take the answer once: an upload
of 100,000 lines calls :func:`known_model_slugs` once, not per line.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from batchrouter.kit.errors import NotFound
from catalog.models import (
    CatalogRevision,
    ModelProfile,
    OfferingPrice,
    WorkflowProduct,
)
from catalog.pricing import Price
from catalog.values import (
    CatalogOffering,
    ModelFacts,
    WorkflowFacts,
    model_facts,
    offering_value,
    price_value,
    workflow_facts,
)


class UnknownModel(NotFound):
    """No model has this slug."""

    code = "model_not_found"


class UnknownWorkflow(NotFound):
    """No packaged job has this slug."""

    code = "workflow_not_found"


class NoPriceInForce(NotFound):
    """The offering had no price at that instant."""

    code = "price_not_found"


def offerings_for_models(
    slugs: Sequence[str], *, now: datetime
) -> list[CatalogOffering]:
    """Return every offering of these models that has a price at ``now``.

    Switched-off, sanctioned, unconnected and retired ones are included, so that a
    refusal can name its reason. Order: as the slugs are given, then by offering id.
    """
    by_model = _offerings().by_model
    return [
        offering
        for slug in dict.fromkeys(slugs)
        for versions in by_model.get(slug, ())
        if (offering := versions.at(now)) is not None
    ]


def offering_by_id(
    ids: Collection[int], *, now: datetime
) -> dict[int, CatalogOffering]:
    """Return these offerings with their price at ``now``; the unpriced are left out."""
    by_id = _offerings().by_id
    found = {key: by_id[key].at(now) for key in ids if key in by_id}
    return {key: value for key, value in found.items() if value is not None}


def price_in_force(offering_id: int, at: datetime) -> Price:
    """Return the price of an offering at an instant, past or present.

    Raises:
        NoPriceInForce: the first price of the offering is later.
    """
    row = (
        OfferingPrice.objects.filter(offering_id=offering_id, valid_from__lte=at)
        .order_by("-valid_from")
        .first()
    )
    if row is None:
        raise NoPriceInForce(f"Offering {offering_id} had no price at {at}.")
    return price_value(row)


def prices_by_id(price_ids: Collection[int]) -> dict[int, Price]:
    """Return versions of prices by the ids that quotes and receipts keep."""
    rows = OfferingPrice.objects.filter(pk__in=price_ids)
    return {row.pk: price_value(row) for row in rows}


def model_profiles() -> Mapping[str, ModelFacts]:
    """Return all models by slug, the retired ones included."""
    revision = _revision()
    if revision is None:
        return _load_models()
    return _models_of(revision)


def known_model_slugs() -> frozenset[str]:
    """Return every slug that a manifest may name."""
    return frozenset(model_profiles())


def model_profile(slug: str) -> ModelFacts:
    """Return one model.

    Raises:
        UnknownModel.
    """
    found = model_profiles().get(slug)
    if found is None:
        raise UnknownModel(f"There is no model {slug[:120]!r}.", param="model")
    return found


def workflow(slug: str) -> WorkflowFacts:
    """Return the current version of a packaged job, or of ``slug@v2`` that version.

    Raises:
        UnknownWorkflow.
    """
    return workflow_facts(workflow_row(slug))


def workflow_verification(slug: str, *, version: int | None) -> dict[str, Any] | None:
    """Return the checks of a packaged job in one version, offered still or not.

    Args:
        slug: of the product.
        version: None is the newest.
    """
    rows = WorkflowProduct.objects.filter(slug=slug)
    if version is not None:
        rows = rows.filter(version=version)
    row = rows.order_by("-version").first()
    return None if row is None else row.verification


def workflow_row(slug: str) -> WorkflowProduct:
    """Return the row behind :func:`workflow`.

    Raises:
        UnknownWorkflow.
    """
    name, _, version = slug.partition("@v")
    rows = WorkflowProduct.objects.filter(slug=name, enabled=True)
    if version:
        number = version.isascii() and version.isdigit() and int(version[:9])
        rows = rows.filter(version=number or 0)
    row = rows.order_by("-version").first()
    if row is None:
        raise UnknownWorkflow(
            f"There is no workflow product {slug[:80]!r}.", param="workflow"
        )
    return row


@dataclass(frozen=True)
class _Versions:
    """An offering at each of its prices, oldest first."""

    starts: list[datetime]
    values: list[CatalogOffering]

    def at(self, now: datetime) -> CatalogOffering | None:
        place = bisect_right(self.starts, now)
        return self.values[place - 1] if place else None


@dataclass(frozen=True)
class _Offerings:
    by_id: Mapping[int, _Versions]
    by_model: Mapping[str, list[_Versions]]


def _revision() -> UUID | None:
    """Return the mark of the catalog's present content; None on an empty one."""
    return CatalogRevision.objects.values_list("value", flat=True).first()


def _offerings() -> _Offerings:
    revision = _revision()
    return _load_offerings() if revision is None else _offerings_of(revision)


@lru_cache(maxsize=2)
def _offerings_of(_revision: UUID) -> _Offerings:
    # The revision was read before the rows, so the rows are that new or newer; where
    # they are newer, the next reading of the revision asks for another entry.
    return _load_offerings()


@lru_cache(maxsize=2)
def _models_of(_revision: UUID) -> Mapping[str, ModelFacts]:
    return _load_models()


def _load_models() -> Mapping[str, ModelFacts]:
    return {row.slug: model_facts(row) for row in ModelProfile.objects.order_by("pk")}


def _load_offerings() -> _Offerings:
    by_id: dict[int, _Versions] = {}
    by_model: dict[str, list[_Versions]] = defaultdict(list)
    rows = OfferingPrice.objects.select_related("offering__provider", "offering__model")
    for row in rows.order_by("offering_id", "valid_from"):
        offering = offering_value(row.offering, price_value(row))
        versions = by_id.get(row.offering_id)
        if versions is None:
            versions = by_id[row.offering_id] = _Versions([], [])
            by_model[offering.model].append(versions)
        versions.starts.append(row.valid_from)
        versions.values.append(offering)
    return _Offerings(by_id, dict(by_model))
