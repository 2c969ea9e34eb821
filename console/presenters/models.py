"""Models and their prices as the public pages show them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchrouter.kit.money import parse_usd
from console.estimates import saved_percent

_STATUS_WORDS = {
    "active": "open",
    "not_connected": "not connected",
    "disabled": "switched off",
    "retired": "retired",
    "unpriced": "unpriced",
}
SORTS = ("name", "input", "output", "batch", "saving", "context")


@dataclass(frozen=True, slots=True)
class OfferingLine:
    """A provider's offering of a model; prices in USD per million tokens."""

    provider: str
    provider_slug: str
    mode: str
    region: str
    privacy: str
    input_usd: str
    cached_usd: str
    output_usd: str
    status: str
    source: str
    as_of: str


@dataclass(frozen=True, slots=True)
class ModePrice:
    """The cheapest of a mode: nano-dollars per million tokens."""

    provider: str
    input_nanousd: int
    output_nanousd: int


@dataclass(frozen=True, slots=True)
class ModelLine:
    """A model in the list; a mode that nobody offers is None."""

    slug: str
    name: str
    operations: str
    context_window: int
    providers: int
    direct: ModePrice | None
    batch: ModePrice | None
    saving_percent: int


@dataclass(frozen=True, slots=True)
class ModelPage:
    """One model, what it can do and who offers it."""

    line: ModelLine
    family: str
    max_output_tokens: int
    abilities: tuple[str, ...]
    deprecates_at: str
    offerings: tuple[OfferingLine, ...]


def model_line(body: Mapping[str, Any]) -> ModelLine:
    """Show a model from ``catalog.rendering.model_json`` in one line."""
    offerings = [one for one in body["provider_offerings"] if _is_open(one)]
    direct, batch = _cheapest(offerings, "direct"), _cheapest(offerings, "batch")
    return ModelLine(
        slug=body["slug"],
        name=body["display_name"],
        operations=", ".join(body["operations"]),
        context_window=body["context_window"],
        providers=len({one["provider"] for one in body["provider_offerings"]}),
        direct=direct,
        batch=batch,
        saving_percent=_saving(direct, batch),
    )


def model_page(body: Mapping[str, Any]) -> ModelPage:
    """Show a model from ``catalog.rendering.model_json`` with all of its offerings."""
    abilities = body["capabilities"]
    words = {
        "vision": "sees images",
        "json_schema": "answers in a schema",
        "tools": "calls tools",
        "sampling": "takes sampling parameters",
    }
    return ModelPage(
        line=model_line(body),
        family=body["family"],
        max_output_tokens=body["max_output_tokens"],
        abilities=tuple(text for key, text in words.items() if abilities[key]),
        deprecates_at=(body["deprecates_at"] or "")[:10],
        offerings=tuple(_offering(one) for one in body["provider_offerings"]),
    )


def sorted_lines(
    lines: Iterable[ModelLine], *, search: str, sort: str
) -> list[ModelLine]:
    """Return the lines that hold the words of a search, in an order of ``SORTS``.

    A minus before the order turns it around; what has no price stands last either way.
    """
    words = search.lower().split()
    found = [
        line
        for line in lines
        if all(word in f"{line.name} {line.slug}".lower() for word in words)
    ]
    name, is_turned = sort.removeprefix("-"), sort.startswith("-")
    if name not in SORTS:
        return found
    known = [(key, line) for line in found if (key := _key(line, name)) is not None]
    known.sort(key=lambda pair: pair[0], reverse=is_turned)
    return [line for _, line in known] + [
        line for line in found if _key(line, name) is None
    ]


def _key(line: ModelLine, sort: str) -> tuple[int, str] | None:
    direct, batch = line.direct, line.batch
    number = {
        "name": 0,
        "input": direct.input_nanousd if direct else None,
        "output": direct.output_nanousd if direct else None,
        "batch": batch.output_nanousd if batch else None,
        "saving": line.saving_percent,
        "context": line.context_window,
    }[sort]
    return None if number is None else (number, line.name.lower())


def _is_open(body: Mapping[str, Any]) -> bool:
    return body["prices"] is not None and body["status"] in {"active", "not_connected"}


def _cheapest(offerings: Sequence[Mapping[str, Any]], mode: str) -> ModePrice | None:
    prices = [
        ModePrice(
            one["provider_name"],
            parse_usd(one["prices"]["input"]),
            parse_usd(one["prices"]["output"]),
        )
        for one in offerings
        if one["mode"] == mode
    ]
    return min(
        prices,
        key=lambda price: price.input_nanousd + price.output_nanousd,
        default=None,
    )


def _saving(direct: ModePrice | None, batch: ModePrice | None) -> int:
    if direct is None or batch is None:
        return 0
    return saved_percent(
        batch.input_nanousd + batch.output_nanousd,
        direct.input_nanousd + direct.output_nanousd,
    )


def _offering(body: Mapping[str, Any]) -> OfferingLine:
    prices = body["prices"] or {}
    return OfferingLine(
        provider=body["provider_name"],
        provider_slug=body["provider"],
        mode=body["mode"],
        region=", ".join(body["regions"]),
        privacy=body["privacy"]["tiers"][-1],
        input_usd=prices.get("input", ""),
        cached_usd=prices.get("cached_input", ""),
        output_usd=prices.get("output", ""),
        status=_STATUS_WORDS.get(body["status"], body["status"]),
        source=web_address(body["source"]),
        as_of=body["as_of"] or "",
    )


def web_address(source: str | None) -> str:
    """Return an address that a page may link to; else nothing."""
    return source if source is not None and source.startswith("https://") else ""
