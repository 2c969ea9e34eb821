"""Read a price map strictly: every fault is named by its line. No database here.

The format is that of ``data/model_prices.json``.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from batchrouter.kit import strict_json
from catalog.datafiles import JSON, CatalogDataError
from catalog.wanted import has_batch_price, price_of

FILE_BYTES_MAX = 4 * 1024 * 1024
ROWS_MAX = 5_000
# USD per token: two hundred times the dearest output of the map of 2026-11-22.
RATE_MAX = Decimal("0.01")
TOKENS_MAX = 100_000_000
# As wide as the columns for them.
BASIS_CHARS_MAX = 200

_UNIT = "per token unless named otherwise"
_SPACE = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with the file.

    Attributes:
        line: where the row begins, from 1.
        what: the row, or the part of the file.
    """

    line: int
    what: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}: {self.message}"


class PriceFileRefused(CatalogDataError):
    """The file is not a price map that we can trust; ``faults`` says why."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


@dataclass(frozen=True)
class PriceFile:
    """A checked price map.

    Attributes:
        as_of: the day on which the prices were read.
        rows: by provider and the provider's own id of the model.
    """

    as_of: date
    rows: Mapping[tuple[str, str], JSON]


def read_price_file(data: bytes, *, today: date) -> PriceFile:
    """Check every value of a price map.

    Args:
        data: at most :data:`FILE_BYTES_MAX` bytes.
        today: the present UTC day; prices of a later one are refused.

    Raises:
        PriceFileRefused: with all faults, in the order of the lines.
    """
    document = _document(data)
    faults = [Fault(1, "_meta", text) for text in _meta_faults(document, today)]
    rows: dict[tuple[str, str], JSON] = {}
    for line, row in zip(_row_lines(data.decode()), document["models"], strict=True):
        name, texts = _name(row), list(_row_faults(row))
        if not texts and (row["provider"], row["model"]) in rows:
            texts = ["stands twice"]
        faults += [Fault(line, name, text) for text in texts]
        if not texts:
            rows[row["provider"], row["model"]] = row
    if faults:
        raise PriceFileRefused(faults)
    return PriceFile(date.fromisoformat(document["_meta"]["extracted_on"]), rows)


def _document(data: bytes) -> dict[str, Any]:
    if len(data) > FILE_BYTES_MAX:
        raise _refusal(f"larger than {FILE_BYTES_MAX} bytes")
    try:
        strict_json.loads(data)
    except strict_json.StrictJsonError as error:
        raise _refusal(error.message) from error
    document = json.loads(data, parse_float=Decimal)
    if not isinstance(document, dict) or set(document) != {"_meta", "models"}:
        raise _refusal("must be an object with _meta and models, and nothing else")
    models = document["models"]
    if not isinstance(models, list) or not 0 < len(models) <= ROWS_MAX:
        raise _refusal(f"models must be a list of 1 to {ROWS_MAX} rows")
    return document


def _refusal(message: str) -> PriceFileRefused:
    return PriceFileRefused([Fault(1, "the file", message)])


def _meta_faults(document: JSON, today: date) -> Iterator[str]:
    meta = document["_meta"]
    if not isinstance(meta, dict):
        yield "must be an object"
        return
    if meta.get("currency") != "USD":
        yield "currency must be USD"
    if meta.get("unit") != _UNIT:
        yield f"unit must be {_UNIT!r}"
    if not _is_day(meta.get("extracted_on")):
        yield "extracted_on must be a day such as 2026-11-22"
    elif date.fromisoformat(meta["extracted_on"]) > today:
        yield "extracted_on must not lie in the future"


def _row_lines(text: str) -> Iterator[int]:
    """Yield the line on which each row of ``models`` begins; the text is sound."""
    decoder = json.JSONDecoder()
    place, key = _past(text, 0), ""
    while True:
        key, place = decoder.raw_decode(text, place)
        place = _past(text, place)
        if key == "models":
            break
        place = _past(text, decoder.raw_decode(text, place)[1])
    line, counted, place = 1, 0, _past(text, place)
    while True:
        line += text.count("\n", counted, place)
        counted = place
        yield line
        end = _skip(text, decoder.raw_decode(text, place)[1])
        if text[end] == "]":
            return
        place = _past(text, end)


def _skip(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place


def _past(text: str, place: int) -> int:
    """Return the place behind one mark and the spaces around it."""
    return _skip(text, _skip(text, place) + 1)


def _name(row: object) -> str:
    if not isinstance(row, dict):
        return "a row"
    return f"{str(row.get('provider'))[:40]} {str(row.get('model'))[:160]}"


def _row_faults(row: object) -> Iterator[str]:
    if not isinstance(row, dict):
        yield "must be an object"
        return
    # Without native jobs the batch fields may be left out.
    needed = [*_REQUIRED, *(_BATCH_FIELDS if row.get("native_batch_api") else ())]
    missing = [name for name in needed if name not in row]
    unknown = [name[:80] for name in row if name not in _FIELDS]
    wrong = [
        f"{name}: {_FIELDS[name].rule}"
        for name, value in row.items()
        if name in _FIELDS and not _FIELDS[name].fits(value)
    ]
    yield from (f"{name} is missing" for name in missing)
    # What we do not know might change what a price means.
    yield from (f"{name!r} is not a field that we know" for name in unknown)
    yield from wrong
    if not (missing or unknown or wrong):
        yield from _price_faults(row)


def _price_faults(row: JSON) -> Iterator[str]:
    """Find what only shows when the prices are worked out."""
    for mode in ("batch", "direct"):
        if mode == "batch" and not has_batch_price(row):
            continue
        try:
            price = price_of(row, mode, date.min)
        except CatalogDataError as error:
            yield str(error)
            continue
        if len(price.price_basis) > BASIS_CHARS_MAX:
            yield f"basis and note of {mode}: at most {BASIS_CHARS_MAX} characters"


@dataclass(frozen=True)
class _Field:
    """What a value of a row must be, as a test and in words."""

    fits: Callable[[Any], bool]
    rule: str


def _text(chars_max: int) -> _Field:
    return _Field(
        lambda value: isinstance(value, str) and 0 < len(value) <= chars_max,
        f"must be text of 1 to {chars_max} characters",
    )


def _whole(least: int, most: int, *, is_nullable: bool = False) -> _Field:
    return _Field(
        lambda value: (
            (value is None and is_nullable)
            or (type(value) is int and least <= value <= most)
        ),
        f"must be a whole number from {least} to {most}",
    )


def _is_rate(value: object) -> bool:
    # A bool is an int to Python, and no price.
    is_number = type(value) is int or isinstance(value, Decimal)
    return is_number and 0 <= value <= RATE_MAX  # type: ignore[operator] # just checked


def _is_day(value: object) -> bool:
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _are_tiers(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(tier, dict) and all(map(_is_rate, tier.values()))
        for tier in value.values()
    )


_RATE_RULE = f"must be from 0 to {RATE_MAX} USD per token"
_RATE = _Field(_is_rate, _RATE_RULE)
_RATE_OR_NONE = _Field(lambda value: value is None or _is_rate(value), _RATE_RULE)
_YES_NO = _Field(lambda value: isinstance(value, bool), "must be true or false")
_WORDS = _Field(
    lambda value: isinstance(value, list) and all(isinstance(w, str) for w in value),
    "must be a list of words",
)
_REQUIRED_FIELDS: dict[str, _Field] = {
    "model": _text(160),
    "provider": _text(40),
    "mode": _Field(lambda v: v in ("chat", "embedding"), "must be chat or embedding"),
    "input_cost_per_token": _RATE,
    "cache_read_input_token_cost": _RATE_OR_NONE,
    "context_window": _whole(1, TOKENS_MAX),
    "max_output_tokens": _whole(0, TOKENS_MAX, is_nullable=True),
    "flags": _Field(
        lambda v: isinstance(v, dict) and all(isinstance(f, bool) for f in v.values()),
        "must be an object of true and false",
    ),
    "native_batch_api": _YES_NO,
    "source": _text(200),
}
_REQUIRED = tuple(_REQUIRED_FIELDS)
_BATCH_FIELDS: dict[str, _Field] = {
    "batch_input_cost_per_token": _RATE_OR_NONE,
    "batch_cache_read_input_token_cost": _RATE_OR_NONE,
    "batch_price_basis": _text(BASIS_CHARS_MAX),
}
_FIELDS: dict[str, _Field] = (
    _REQUIRED_FIELDS
    | _BATCH_FIELDS
    | {
        "litellm_key": _text(200),
        "output_cost_per_token": _RATE_OR_NONE,
        "batch_output_cost_per_token": _RATE_OR_NONE,
        "cache_creation_input_token_cost": _RATE_OR_NONE,
        "cache_creation_input_token_cost_above_1hr": _RATE_OR_NONE,
        "flex_input_cost_per_token": _RATE_OR_NONE,
        "flex_output_cost_per_token": _RATE_OR_NONE,
        "off_peak_input_cost_per_token": _RATE_OR_NONE,
        "off_peak_output_cost_per_token": _RATE_OR_NONE,
        "off_peak_cache_read_input_token_cost": _RATE_OR_NONE,
        "long_context_tiers": _Field(
            _are_tiers, "must be tiers of rates in USD per token"
        ),
        "output_vector_size": _whole(1, 1_000_000),
        "price_note": _text(BASIS_CHARS_MAX),
        "supported_endpoints": _WORDS,
        "input_modalities": _WORDS,
        "deprecated_as_of_extract": _YES_NO,
        "deprecation_date": _Field(_is_day, "must be a day such as 2026-11-22"),
    }
)
