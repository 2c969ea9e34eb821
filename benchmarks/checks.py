"""Prove that each item has exactly one row, and that the row is its own."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

Row = Mapping[str, Any]
# What the mock provider's answers begin with.
ECHO = "echo:{};"


def openai_rows(row: Row) -> tuple[str, str | None]:
    """Read an item's key and text from a line of OpenAI's batch output."""
    response = row["response"]
    if row["error"] is not None or response is None:
        return row["custom_id"], None
    return row["custom_id"], response["body"]["choices"][0]["message"]["content"]


def product_rows(row: Row) -> tuple[str, str | None]:
    """Read an item's key and text from a row of ours."""
    if row["status"] != "completed":
        return row["customer_item_id"], None
    return row["customer_item_id"], row["output"]["text"]


def row_faults(
    rows: Iterable[Row],
    wanted: Iterable[str],
    read: Callable[[Row], tuple[str, str | None]],
    echo: str = ECHO,
) -> list[str]:
    """Return what is wrong with the rows, one sentence a kind; empty when all is well.

    Args:
        rows: what was delivered.
        wanted: the keys of the items.
        read: tells a row's key and text.
        echo: what an answer holds.
    """
    seen: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    for row in rows:
        key, text = read(row)
        seen[key] += 1
        if text is None:
            faults["rows without an answer"] += 1
        elif echo.format(key) not in text:
            faults["answers of another item"] += 1
    keys = set(wanted)
    faults["items without a row"] += len(keys - seen.keys())
    faults["rows of no item"] += len(seen.keys() - keys)
    faults["rows too many"] += sum(count - 1 for count in seen.values())
    return [f"{count} {what}" for what, count in faults.items() if count]


def file_faults(
    path: Path,
    wanted: Iterable[str],
    read: Callable[[Row], tuple[str, str | None]],
    echo: str = ECHO,
) -> list[str]:
    """Check a file of rows as :func:`row_faults` does."""
    with path.open("rb") as lines:
        return row_faults(map(orjson.loads, lines), wanted, read, echo)
