"""Upload, check and count a manifest; quote it; create a batch from the quote."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks import figures, items, places
from benchmarks.figures import count, mebibytes, percent, seconds
from benchmarks.machine import MEBIBYTE
from benchmarks.plan import Plan
from benchmarks.product import Ground, Product, ground
from benchmarks.report import Section, Table, Target
from benchmarks.sections.direct import MODEL
from devtools.say import say

NAME = "upload"
_SIZES = (1_000, 10_000, 50_000, 100_000)
_JUDGED = 50_000
_REPEATS = 3
_QUOTE_BYTES_MAX = 64 * 1024
# Nothing is sent in this section; lanes only have to exist.
_NOWHERE = "http://127.0.0.1:9"


@dataclass(frozen=True)
class _Visit:
    """One upload with its quote and its batch."""

    upload_seconds: float
    upload_cpu_seconds: float
    quote_seconds: float
    quote_bytes: int
    create_seconds: float
    others_share: float


@dataclass(frozen=True)
class _Size:
    items: int
    file_bytes: int
    visits: list[_Visit]
    over_idle_bytes: int

    def median(self, name: str) -> float:
        """Return the median of a visit's field."""
        return figures.median(getattr(visit, name) for visit in self.visits)

    @property
    def megabytes_per_second(self) -> float:
        """Speed of the upload; a megabyte is 10^6 bytes."""
        return self.file_bytes / 1e6 / self.median("upload_seconds")


def measure(plan: Plan) -> Section:
    """Measure each size with a fresh web server."""
    section = Section(NAME, "Upload, check, count, quote, create")
    with ground(providers_url=_NOWHERE, broker=plan.broker) as base:
        sizes = []
        for full in _SIZES:
            say(f"upload: {plan.items(full):,} items ...")
            repeats = plan.repeats(_REPEATS)
            sizes.append(_measure_size(base, plan.items(full), repeats, section))
        judged = sizes[_SIZES.index(_JUDGED)]
        inside = _inside(base, _manifest(judged.items), plan.repeats(_REPEATS))
    section.tables = [_table(sizes), _inside_table(judged, inside)]
    section.targets = _targets(sizes, judged)
    section.database = base.database.title
    section.note = (
        "Through gunicorn as in the Procfile, with the workers stopped. An upload is "
        "read, checked line by line, counted in tokens, hashed, stored and indexed "
        "before it is answered. Memory is that of the web process that grew most "
        "since it was warm; the server is started anew for every size."
    )
    return section


def _manifest(number: int) -> Path:
    path = places.ITEMS / f"upload-{number}.ndjson"
    if not path.exists():
        items.write(path, count=number, shape=items.product_shape(MODEL))
    return path


def _measure_size(base: Ground, number: int, repeats: int, section: Section) -> _Size:
    path = _manifest(number)
    with base.up(["web"]) as product:
        product.warm_up(MODEL)
        memory = product.memory()
        visits = []
        for _ in range(repeats):
            product.database.settle_down()
            visits.append(_visit(product, path, number, section))
        growth = memory.over_idle()["web"]
    return _Size(number, path.stat().st_size, visits, growth)


def _visit(product: Product, path: Path, number: int, section: Section) -> _Visit:
    meter = product.meter()
    file = product.api.upload(path)
    spent = meter.read()
    if file["line_count"] != number or file["bytes"] != path.stat().st_size:
        section.faults.append(f"{number:,} items uploaded, the reply says {file}")
    began = time.monotonic()
    quoted = product.api.post_raw("/v1/batches/quote", {"input_file_id": file["id"]})
    quote_seconds = time.monotonic() - began
    began = time.monotonic()
    quote_id = json.loads(quoted)["quote_id"]
    batch = product.api.post("/v1/batches", {"quote_id": quote_id})
    create_seconds = time.monotonic() - began
    if batch["counts"]["total"] != number:
        section.faults.append(f"a batch of {number:,} says {batch['counts']}")
    return _Visit(
        upload_seconds=spent.wall_seconds,
        upload_cpu_seconds=spent.cpu_seconds["web"],
        quote_seconds=quote_seconds,
        quote_bytes=len(quoted),
        create_seconds=create_seconds,
        others_share=spent.others_share,
    )


def _inside(base: Ground, path: Path, repeats: int) -> list[dict[str, float]]:
    return [
        json.loads(base.python("benchmarks.inside", str(path))) for _ in range(repeats)
    ]


def _table(sizes: list[_Size]) -> Table:
    columns = [
        "items",
        "MB",
        "upload",
        "MB/s",
        "CPU µs/item",
        "quote",
        "quote bytes",
        "create",
        "MiB over idle",
        "others' CPU",
    ]
    rows = [
        [
            count(size.items),
            f"{size.file_bytes / 1e6:.1f}",
            seconds(size.median("upload_seconds")),
            f"{size.megabytes_per_second:.1f}",
            count(size.median("upload_cpu_seconds") / size.items * 1e6),
            seconds(size.median("quote_seconds")),
            count(size.median("quote_bytes")),
            seconds(size.median("create_seconds")),
            mebibytes(size.over_idle_bytes),
            percent(size.median("others_share")),
        ]
        for size in sizes
    ]
    return Table(columns, rows)


def _inside_table(judged: _Size, inside: list[dict[str, float]]) -> Table:
    wall = figures.median(run["wall_seconds"] for run in inside)
    cpu = figures.median(run["cpu_seconds"] for run in inside)
    growth = max(run["over_idle_bytes"] for run in inside)
    row = [
        count(judged.items),
        seconds(wall),
        f"{judged.file_bytes / 1e6 / wall:.1f}",
        count(cpu / judged.items * 1e6),
        mebibytes(growth),
    ]
    columns = ["in process, no HTTP: items", "upload", "MB/s"]
    return Table([*columns, "CPU µs/item", "MiB over idle"], [row])


def _targets(sizes: list[_Size], judged: _Size) -> list[Target]:
    shown = f"{judged.items:,} items"
    quote, create = judged.median("quote_seconds"), judged.median("create_seconds")
    quote_bytes = judged.median("quote_bytes")
    growth = max(size.over_idle_bytes for size in sizes)
    return [
        Target(
            f"upload of {shown}",
            "at least 5 MB/s",
            f"{judged.megabytes_per_second:.1f} MB/s",
            judged.megabytes_per_second >= 5,
        ),
        Target(f"quote of {shown}", "below 2 s", seconds(quote), quote < 2),
        Target(
            f"quote of {shown}, reply",
            "below 64 KiB",
            f"{quote_bytes / 1024:.1f} KiB",
            quote_bytes < _QUOTE_BYTES_MAX,
        ),
        Target(f"create of {shown}", "below 1 s", seconds(create), create < 1),
        Target(
            "memory of a web process over idle, any size",
            "at most 64 MiB",
            f"{mebibytes(growth)} MiB",
            growth <= 64 * MEBIBYTE,
        ),
    ]
