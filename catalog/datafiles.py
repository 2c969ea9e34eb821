"""Read catalog/data/*.json as exact values. No database here."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

DATA_DIR = Path(__file__).resolve().parent / "data"

# Dollars per token to nano-dollars per million tokens.
_NANO_PER_MTOK = Decimal(10**15)

JSON = Mapping[str, Any]


class CatalogDataError(Exception):
    """A data file contradicts itself or another one."""


def read(name: str, data_dir: Path = DATA_DIR) -> JSON:
    """Read one data file."""
    document: JSON = json.loads((data_dir / name).read_bytes())
    return document


def read_prices(data_dir: Path = DATA_DIR) -> JSON:
    """Read the price file; what it writes in decimals stays exact."""
    text = (data_dir / "model_prices.json").read_bytes()
    document: JSON = json.loads(text, parse_float=Decimal)
    return document


def rate(usd_per_token: Decimal | int, what: str) -> int:
    """Return nano-dollars per million tokens, exactly.

    Raises:
        CatalogDataError: the rate is negative, or finer than we can hold.
    """
    exact = Decimal(usd_per_token) * _NANO_PER_MTOK
    whole = int(exact)
    if whole != exact or whole < 0:
        raise CatalogDataError(f"{what}: {usd_per_token} USD per token does not fit")
    return whole


def midnight(iso_day: str) -> datetime:
    """Return the first instant of a day, UTC."""
    return datetime.combine(date.fromisoformat(iso_day), time.min, tzinfo=UTC)
