"""From the data files to the rows that the catalog should hold. No database here."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from catalog import workflows
from catalog.datafiles import (
    DATA_DIR,
    JSON,
    CatalogDataError,
    midnight,
    rate,
    read,
    read_prices,
)

# The cap for an item that gives none: enough for a page and a half of text.
DEFAULT_OUTPUT_TOKENS = 1024

_TIER = re.compile(r"\Aabove_([0-9]+)k_tokens\Z")
Fields = dict[str, Any]


@dataclass(frozen=True)
class WantedPrice:
    """The rates of one offering, in nano-dollars per million tokens."""

    input: int
    cached_input: int
    output: int
    tiers: list[dict[str, int]]
    source: str
    as_of: date
    price_basis: str


@dataclass(frozen=True)
class WantedOffering:
    """An offering by its natural key, its other columns, and its price."""

    provider: str
    slug: str
    mode: str
    region: str
    privacy: str
    fields: Fields
    price: WantedPrice

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """What is unique about it."""
        return self.provider, self.slug, self.mode, self.region, self.privacy


@dataclass
class Wanted:
    """Everything that the data files say."""

    providers: dict[str, Fields] = field(default_factory=dict)
    models: dict[str, Fields] = field(default_factory=dict)
    offerings: list[WantedOffering] = field(default_factory=list)
    workflows: dict[tuple[str, int], Fields] = field(default_factory=dict)


def read_wanted(data_dir: Path = DATA_DIR) -> Wanted:
    """Read all data files.

    Raises:
        CatalogDataError: they contradict each other, or a price is not exact.
    """
    prices = read_prices(data_dir)
    providers = read("providers.json", data_dir)
    profiles = read("models.json", data_dir)
    rows = _by_slug(prices["models"], profiles["models"])
    wanted = Wanted()
    for provider in providers["providers"]:
        wanted.providers[provider["key"]] = _provider(provider, providers["_meta"])
    for profile in profiles["models"]:
        offered = rows[profile["slug"]]
        wanted.models[profile["slug"]] = _model(profile, profiles["_meta"], offered)
    by_key = {provider["key"]: provider for provider in providers["providers"]}
    as_of = date.fromisoformat(prices["_meta"]["extracted_on"])
    for slug, offered in rows.items():
        for row in offered:
            wanted.offerings += _offerings(slug, row, by_key[row["provider"]], as_of)
    wanted.workflows = workflows.products(read("workflow_products.json", data_dir))
    return wanted


def _by_slug(prices: Sequence[JSON], profiles: Sequence[JSON]) -> dict[str, list[JSON]]:
    """Sort price rows under the slugs of the profiles; each row must find one."""
    slugs = {
        (provider, model): profile["slug"]
        for profile in profiles
        for provider, model in profile["provider_models"].items()
    }
    found: dict[str, list[JSON]] = defaultdict(list)
    for row in prices:
        named = row["provider"], row["model"]
        if named not in slugs:
            raise CatalogDataError(f"models.json has no profile for {named}")
        found[slugs.pop(named)].append(row)
    if slugs:
        raise CatalogDataError(f"model_prices.json has no price for {sorted(slugs)}")
    return found


_PROVIDER_FIELDS = (
    "display_name",
    "website",
    "regions",
    "retention_days",
    "trains_on_data",
    "zero_retention_available",
    "privacy_tiers",
    "modes",
    "token_factor_bps",
    "message_overhead_tokens",
    "facts",
    "enabled",
    "is_sanctioned",
)


def _provider(provider: JSON, meta: JSON) -> Fields:
    fields = {name: provider[name] for name in _PROVIDER_FIELDS}
    return fields | {"as_of": date.fromisoformat(meta["as_of"])}


def _model(profile: JSON, meta: JSON, offered: Sequence[JSON]) -> Fields:
    """Return a profile's columns: the best of what its providers offer."""
    output = max(row["max_output_tokens"] or 0 for row in offered)
    tier = profile["quality_tier"]
    dates = [row.get("deprecation_date") for row in offered]
    return {
        "display_name": profile["display_name"],
        "family": profile["family"],
        "operations": _operations(offered),
        "context_window": max(row["context_window"] for row in offered),
        "max_output_tokens": output,
        "default_max_output_tokens": min(output, DEFAULT_OUTPUT_TOKENS),
        "supports_vision": any(_can(row, "vision") for row in offered),
        "supports_schema": any(_can(row, "response_schema") for row in offered),
        "supports_tools": any(_can(row, "function_calling") for row in offered),
        "supports_sampling": any(_can(row, "sampling_params") for row in offered),
        "embedding_dimensions": offered[0].get("output_vector_size"),
        "quality": float(meta["quality_tiers"][tier]),
        "quality_source": meta["quality_source"],
        "token_factor_bps": profile.get("token_factor_bps"),
        "deprecates_at": None if None in dates else midnight(max(map(str, dates))),
    }


def _operations(offered: Sequence[JSON]) -> list[str]:
    if offered[0]["mode"] == "embedding":
        return ["embeddings"]
    sees = any(_can(row, "vision") for row in offered)
    return ["responses", "vision"] if sees else ["responses"]


def _can(row: JSON, what: str) -> bool:
    """Tell an ability; the price file names sampling only where it is missing."""
    missing = what == "sampling_params" and row["mode"] == "chat"
    return bool(row["flags"].get(f"supports_{what}", missing))


def _offerings(
    slug: str, row: JSON, provider: JSON, as_of: date
) -> Iterator[WantedOffering]:
    """Make the direct offering, and the batch one where its price is known."""
    for mode, lane in provider["lanes"].items():
        if mode == "batch" and not has_batch_price(row):
            continue
        yield WantedOffering(
            provider=provider["key"],
            slug=slug,
            mode=mode,
            region=lane["region"],
            privacy=lane["privacy"],
            fields=_offering_fields(row, provider, mode),
            price=price_of(row, mode, as_of),
        )


def has_batch_price(row: JSON) -> bool:
    """Tell whether the provider runs native jobs of this model at a known price."""
    return (
        bool(row["native_batch_api"]) and row["batch_input_cost_per_token"] is not None
    )


def _offering_fields(row: JSON, provider: JSON, mode: str) -> Fields:
    lane = provider["lanes"][mode]
    reasons = bool(row["flags"].get("supports_reasoning"))
    refuses_sampling = reasons and provider["reasoning_refuses_sampling"]
    ends_on = row.get("deprecation_date")
    return {
        "provider_model": row["model"],
        "adapter": provider["adapters"][mode],
        "enabled": True,
        "context_window": row["context_window"],
        "max_output_tokens": row["max_output_tokens"] or 0,
        "supports_vision": row["mode"] == "chat" and _can(row, "vision"),
        "supports_schema": _can(row, "response_schema"),
        "supports_tools": _can(row, "function_calling"),
        "supports_sampling": _can(row, "sampling_params") and not refuses_sampling,
        "deprecates_at": None if ends_on is None else midnight(ends_on),
        "reliability_prior": float(lane["reliability_prior"]),
        "latency_ms": lane["latency_ms"],
        "batch_seconds": lane["batch_seconds"],
        "items_per_second": float(lane["items_per_second"]),
    }


def price_of(row: JSON, mode: str, as_of: date) -> WantedPrice:
    """Return the price of a mode.

    Where a cached rate is not listed, cached input costs as much as other input.

    Raises:
        CatalogDataError: a rate is missing, negative, or finer than we can hold.
    """
    what = f"{row['provider']} {row['model']} {mode}"
    prefix = "batch_" if mode == "batch" else ""
    input_rate = rate(row[f"{prefix}input_cost_per_token"], what)
    cached = row[f"{prefix}cache_read_input_token_cost"]
    output = row.get(f"{prefix}output_cost_per_token")
    if output is None and row["mode"] != "embedding":
        raise CatalogDataError(f"{what}: no output price")
    basis = row["batch_price_basis"] if mode == "batch" else "listed_in_litellm"
    note = row.get("price_note")
    return WantedPrice(
        input=input_rate,
        cached_input=input_rate if cached is None else rate(cached, what),
        output=rate(output or 0, what),
        tiers=_tiers(row, mode, what),
        source=row["source"],
        as_of=as_of,
        price_basis=f"{basis}; {note}" if note else basis,
    )


def _tiers(row: JSON, mode: str, what: str) -> list[dict[str, int]]:
    tiers = []
    suffix = "_batches" if mode == "batch" else ""
    for name, listed in (row.get("long_context_tiers") or {}).items():
        found = _TIER.match(name)
        if found is None:
            raise CatalogDataError(f"{what}: cannot read the tier {name}")
        tiers.append(
            {
                "above_input_tokens": int(found[1]) * 1000,
                "input": _tier_rate(listed, "input_cost_per_token" + suffix, what),
                "cached_input": _tier_rate(
                    listed, "cache_read_input_token_cost" + suffix, what
                ),
                "output": _tier_rate(listed, "output_cost_per_token" + suffix, what),
            }
        )
    return sorted(tiers, key=lambda tier: tier["above_input_tokens"])


def _tier_rate(listed: JSON, name: str, what: str) -> int:
    value: Decimal | None = listed.get(name)
    if value is None:
        raise CatalogDataError(f"{what}: the tier lacks {name}")
    return rate(value, what)
