"""Does an item cost the same in a large batch, and a page the same at its end?"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks import checks, figures, items, mock, places
from benchmarks.figures import count, mebibytes, percent
from benchmarks.machine import MEBIBYTE
from benchmarks.mock import Mock
from benchmarks.plan import Plan
from benchmarks.product import ALL, BatchRun, Product, ground
from benchmarks.report import Section, Table, Target
from benchmarks.sections.direct import MODEL
from devtools.say import say

NAME = "sizes"
# Sizes with how often each is run: a small batch is too short for one look.
_SIZES = {1_000: 10, 10_000: 3, 100_000: 2}
_PAGE_ROWS = 100
_PAGE_REQUESTS = 50
_GROWTH_MAX = 0.2


@dataclass(frozen=True)
class _Size:
    items: int
    runs: list[BatchRun]
    over_idle_bytes: dict[str, int]

    @property
    def cpu_us(self) -> float:
        """Processor time of all our processes for an item."""
        return (
            figures.median(run.our_cpu_seconds / run.items for run in self.runs) * 1e6
        )

    def program_us(self, name: str) -> float:
        """Return the processor time of one program for an item."""
        used = (run.spent.cpu_seconds[name] / run.items for run in self.runs)
        return figures.median(used) * 1e6


@dataclass(frozen=True)
class _Pages:
    """Milliseconds for a page, and the number of the row it begins with."""

    first_ms: float
    last_ms: float
    last_row: int


def measure(plan: Plan) -> Section:
    """Run each size on freshly started processes; page through the largest."""
    section = Section(NAME, "Cost and memory by size, pages of results")
    sizes: list[_Size] = []
    pages: list[_Pages] = []
    with (
        mock.running() as provider,
        ground(providers_url=provider.base_url, broker=plan.broker) as base,
    ):
        for full, repeats in _SIZES.items():
            number = plan.items(full)
            say(f"sizes: {number:,} items ...")
            with base.up() as product:
                size = _measure_size(
                    product, provider, number, plan.repeats(repeats), section
                )
                sizes.append(size)
                if full == max(_SIZES):
                    pages.append(_measure_pages(product, size, section))
        is_here = bool(base.database.roots)
    section.tables = [
        _size_table(sizes, is_here=is_here),
        _memory_table(sizes),
        _page_table(pages),
    ]
    section.targets = _targets(sizes, pages[0])
    section.database = base.database.title
    section.note = (
        "CPU is that of the web server, the workers and the scheduler, from the call "
        "that creates a batch to its end; medians. Memory is the largest growth of a "
        "process since it was warm, over all batches of that size. The pages were "
        "asked for in turn, first and last, after a walk over every page had found "
        "each row once."
    )
    return section


def _measure_size(
    product: Product, provider: Mock, number: int, repeats: int, section: Section
) -> _Size:
    path = places.ITEMS / f"size-{number}.ndjson"
    items.write(path, count=number, shape=items.product_shape(MODEL))
    product.warm_up(MODEL)
    file_id = str(product.api.upload(path)["id"])
    memory, runs = product.memory(), []
    growth: dict[str, int] = {}
    for _ in range(repeats):
        product.database.settle_down()
        provider.reset(latency_ms=0)
        run = product.run(file_id, number)
        for name, grown in run.over_idle_bytes.items():
            growth[name] = max(growth.get(name, 0), grown)
        runs.append(run)
        faults = product.row_faults(run)
        if provider.posts() != number:
            faults.append(f"{provider.posts()} requests")
        section.faults += [f"{number:,} items: {fault}" for fault in faults]
    # What was kept from an earlier batch counts as well.
    for name, grown in memory.over_idle().items():
        growth[name] = max(growth[name], grown)
    return _Size(number, runs, growth)


def _measure_pages(product: Product, size: _Size, section: Section) -> _Pages:
    batch_id = size.runs[-1].batch_id
    first = f"/v1/batches/{batch_id}/results?limit={_PAGE_ROWS}"
    addresses = [first]
    rows = _walk(product, first, addresses)
    wanted = items.keys(size.items, "i")
    faults = checks.row_faults(rows, wanted, checks.product_rows)
    section.faults += [f"pages: {fault}" for fault in faults]
    took: dict[str, list[float]] = {addresses[0]: [], addresses[-1]: []}
    for _ in range(_PAGE_REQUESTS):
        for address, times in took.items():
            began = time.monotonic()
            product.api.fetch("GET", address)
            times.append((time.monotonic() - began) * 1000)
    return _Pages(
        first_ms=figures.median(took[addresses[0]]),
        last_ms=figures.median(took[addresses[-1]]),
        last_row=(len(addresses) - 1) * _PAGE_ROWS,
    )


def _walk(
    product: Product, first: str, addresses: list[str]
) -> Iterator[dict[str, Any]]:
    """Yield every row, page by page, and note each page's address."""
    while True:
        page = json.loads(product.api.fetch("GET", addresses[-1]))
        yield from page["data"]
        if page["next_cursor"] is None:
            return
        addresses.append(f"{first}&cursor={page['next_cursor']}")


def _size_table(sizes: list[_Size], *, is_here: bool) -> Table:
    columns = [
        "items",
        "runs",
        "items/s",
        "CPU µs/item",
        "of it web",
        "control",
        "direct",
        "scheduler",
        "PostgreSQL µs/item",
        "others' CPU",
    ]
    rows = []
    for size in sizes:
        speeds = (run.items / run.spent.wall_seconds for run in size.runs)
        others = (run.spent.others_share for run in size.runs)
        rows.append(
            [
                count(size.items),
                str(len(size.runs)),
                count(figures.median(speeds)),
                count(size.cpu_us),
                *(count(size.program_us(name)) for name in ALL),
                count(size.program_us("database")) if is_here else "",
                percent(figures.median(others)),
            ]
        )
    return Table(columns, rows)


def _memory_table(sizes: list[_Size]) -> Table:
    rows = [
        [count(size.items), *(mebibytes(size.over_idle_bytes[name]) for name in ALL)]
        for size in sizes
    ]
    columns = ["MiB over idle: items", "web", "control", "direct", "scheduler"]
    return Table(columns, rows)


def _page_table(pages: list[_Pages]) -> Table:
    rows = [
        [f"{found.first_ms:.1f} ms", f"{found.last_ms:.1f} ms", count(found.last_row)]
        for found in pages
    ]
    head = f"page of {_PAGE_ROWS} rows at the first row"
    return Table([head, "at the last page", "which begins after row"], rows)


def _targets(sizes: list[_Size], pages: _Pages) -> list[Target]:
    *smaller, largest = sizes
    growth = max(max(size.over_idle_bytes.values()) for size in sizes)
    slope = pages.last_ms / pages.first_ms
    return [
        *(_cost_target(size, largest) for size in smaller),
        Target(
            "memory of any process over idle, any size",
            "at most 64 MiB",
            f"{mebibytes(growth)} MiB",
            growth <= 64 * MEBIBYTE,
        ),
        Target(
            f"page after row {pages.last_row:,}, of the first page's time",
            "at most 1.20 x",
            figures.times(slope),
            slope <= 1 + _GROWTH_MAX,
        ),
    ]


def _cost_target(smaller: _Size, larger: _Size) -> Target:
    change = larger.cpu_us / smaller.cpu_us - 1
    return Target(
        f"CPU per item from {smaller.items:,} to {larger.items:,} items",
        "within 20 %, or less",
        f"{change:+.0%}",
        change <= _GROWTH_MAX,
    )
