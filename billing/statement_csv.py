"""Statements, and parts of the ledger, as CSV that runs nothing in a spreadsheet.

A cell of text that begins like a formula gets an apostrophe in front; numbers are our
own decimals, nine places each, and stay as they are, so that columns still add up.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from batchrouter.kit.clock import iso
from batchrouter.kit.money import format_usd
from billing.statements import Holding, StatementHead, StatementLine

COLUMNS = (
    "time",
    "transaction",
    "kind",
    "purpose",
    "reason",
    "available_change_usd",
    "reserved_change_usd",
    "usage_charged_usd",
    "service_fee_charged_usd",
    "available_after_usd",
    "reserved_after_usd",
    "total_after_usd",
)
# Of these, the first tell of an entry alone; the others of what there was after it.
_OF_ENTRY = 9
# What makes a spreadsheet read a cell as a formula, also in its full-width form.
# Source: OWASP "CSV Injection", read 2026-11-22.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", *"\uff1d\uff0b\uff0d\uff20")
# Rows per chunk of the stream.
_ROWS_PER_CHUNK = 200


def statement_csv(
    head: StatementHead, lines: Iterable[StatementLine]
) -> Iterator[bytes]:
    """Yield the file in chunks: the opening balance, the lines, the closing balance."""
    rows: list[Sequence[str]] = [COLUMNS, _balance("opening balance", head.opening)]
    held = head.opening
    for line in lines:
        held = line.after
        rows.append(_row(line))
        if len(rows) >= _ROWS_PER_CHUNK:
            yield _written(rows)
            rows = []
    # What the lines came to, not what was summed before: an entry posted while the
    # present month is read stands in both or in neither.
    rows.append(_balance("closing balance", held))
    yield _written(rows)


def ledger_csv(lines: Iterable[StatementLine]) -> Iterator[bytes]:
    """Yield entries in chunks, without balances: others may lie between them."""
    rows: list[Sequence[str]] = [COLUMNS[:_OF_ENTRY]]
    for line in lines:
        rows.append(_row(line)[:_OF_ENTRY])
        if len(rows) >= _ROWS_PER_CHUNK:
            yield _written(rows)
            rows = []
    if rows:
        yield _written(rows)


def defused(text: str) -> str:
    """Return a cell of text that no spreadsheet takes for a formula."""
    risky = text.startswith(_FORMULA_STARTS) or text.lstrip().startswith(
        _FORMULA_STARTS
    )
    return f"'{text}" if risky else text


def exact(nanousd: int) -> str:
    """Write an amount with all nine places."""
    return format_usd(nanousd, places_min=9)


def _row(line: StatementLine) -> Sequence[str]:
    return (
        iso(line.created_at),
        line.public_id,
        defused(line.kind),
        defused(line.purpose),
        defused(line.reason),
        exact(line.change.available_nanousd),
        exact(line.change.reserved_nanousd),
        exact(line.usage_nanousd),
        exact(line.fee_nanousd),
        *_after(line.after),
    )


def _balance(name: str, held: Holding) -> Sequence[str]:
    return ("", "", name, "", "", "", "", "", "", *_after(held))


def _after(held: Holding) -> tuple[str, str, str]:
    return (
        exact(held.available_nanousd),
        exact(held.reserved_nanousd),
        exact(held.total_nanousd),
    )


def _written(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
