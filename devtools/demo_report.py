"""What the demo prints: tables, and a bar on a terminal or plain lines off it."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from devtools.api import JSON
from devtools.say import is_terminal, say

Show = Callable[[str, Mapping[str, int]], None]
_PLAIN_SECONDS = 2
_EXCERPT = 60
_SHOWN_LANES = 12


def show_quote(quote: JSON) -> None:
    """Show what it may cost at most, what it likely will, and where it would run."""
    price = quote["pricing_estimate"]
    say(
        f"   at most ${price['total']} (fee ${price['service_fee']} included), "
        f"likely ${price['expected_total']}; valid until {quote['valid_until']}"
    )
    units = [
        (
            unit["operation"],
            str(unit["item_count"]),
            unit["selected_provider"],
            unit["selected_model"],
            unit["mode"],
            str(len(unit["fallback_stages"]) - 1),
        )
        for unit in quote["work_units"]
    ]
    _table(("operation", "items", "provider", "model", "mode", "fallbacks"), units)
    say("\n   lanes of the largest group")
    lanes = [_lane_line(lane) for lane in quote["lanes"][:_SHOWN_LANES]]
    _table(("rank", "provider", "model", "mode", "at most", "score", "why"), lanes)
    if len(quote["lanes"]) > _SHOWN_LANES:
        say(f"   and {len(quote['lanes']) - _SHOWN_LANES} more")


def _lane_line(lane: JSON) -> tuple[str, ...]:
    refused = lane["rejection_code"]
    return (
        "-" if refused else str(lane["rank"]),
        lane["provider"],
        lane["model"],
        lane["mode"],
        "-" if refused else f"${lane['ceiling']['amount']}",
        "-" if refused else str(lane["score"]["total"]),
        f"{refused}: {lane['reason']}" if refused else str(lane["reason"] or "-"),
    )


def show_rows(rows: list[JSON]) -> None:
    """Show where each row ran, an excerpt of its output and its charge."""
    lines = [
        (
            row["customer_item_id"],
            row["provider"] or "-",
            row["model"] or "-",
            row["status"],
            _excerpt(row),
            f"${row['cost']['charge']}",
        )
        for row in rows
    ]
    _table(("item", "provider", "model", "status", "output", "charge"), lines)


def show_route(signed: JSON) -> None:
    """Show who was chosen for each group, on what trust, and who stood by."""
    receipt = signed["receipt"]
    lines = [
        (
            group["operation"],
            str(group["item_count"]),
            str(group["route_decision"]["selected_provider"]),
            str(group["route_decision"]["trust_score"]),
            ", ".join(group["route_decision"]["fallback_order"]),
        )
        for group in receipt["decisions"]
    ]
    _table(("operation", "items", "selected", "trust", "fallback order"), lines)
    units = receipt["work_units"]
    attempts = sum(len(unit["attempts"]) for unit in units)
    say(
        f"   {len(units)} work units in {attempts} executions, "
        f"route version {receipt['route_version']}"
    )
    say(f"   Merkle root of the rows {receipt['rows']['merkle_root']}")
    say(f"   sha256 {signed['sha256']}")


def show_bill(signed: JSON) -> None:
    """Show what was held, taken and given back."""
    receipt = signed["receipt"]
    lines = [
        (
            line["provider"],
            line["model"],
            line["mode"],
            str(line["items"]),
            str(line["input_tokens"]),
            str(line["output_tokens"]),
            f"${line['amount']}",
        )
        for line in receipt["lines"]
    ]
    _table(("provider", "model", "mode", "items", "in", "out", "amount"), lines)
    say(
        f"   providers ${receipt['provider_subtotal']} + fee ${receipt['service_fee']}"
        f" = charged ${receipt['charged']}"
    )
    say(f"   reserved ${receipt['reserved']}, released ${receipt['released']}")


@contextmanager
def progress(total: int) -> Iterator[Show]:
    """Yield a function that shows a batch's state and counts while it runs."""
    if not is_terminal():
        yield _plain(total)
        return
    bar = Progress(
        TextColumn("   {task.description:<11}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[detail]}"),
    )
    with bar:
        task = bar.add_task("queued", total=total, detail="")

        def show(state: str, counts: Mapping[str, int]) -> None:
            bar.update(
                task,
                description=state,
                completed=total - _open(counts),
                detail=_detail(counts),
            )

        yield show


def _plain(total: int) -> Show:
    last = ("", 0.0)

    def show(state: str, counts: Mapping[str, int]) -> None:
        nonlocal last
        now = time.monotonic()
        if state != last[0] or now - last[1] >= _PLAIN_SECONDS:
            last = (state, now)
            say(f"   {state}: {total - _open(counts)} of {total}, {_detail(counts)}")

    return show


def _open(counts: Mapping[str, int]) -> int:
    return counts["pending"] + counts["running"]


def _detail(counts: Mapping[str, int]) -> str:
    return ", ".join(
        f"{counts[name]} {name}"
        for name in ("running", "completed", "failed", "canceled", "expired")
        if counts[name]
    )


def _excerpt(row: JSON) -> str:
    output = row["output"] or {}
    if output.get("embedding"):
        return f"embedding of {len(output['embedding'])} numbers"
    text = " ".join(str(output.get("text") or "-").split())
    return text if len(text) <= _EXCERPT else text[: _EXCERPT - 1] + "…"


def _table(head: tuple[str, ...], lines: Sequence[tuple[str, ...]]) -> None:
    if not is_terminal():
        for line in (head, *lines):
            say("   " + " | ".join(line))
        return
    table = Table(*head, box=None, padding=(0, 2, 0, 0), header_style="bold")
    for line in lines:
        table.add_row(*line)
    Console().print(Padding(table, (0, 0, 0, 3)))
