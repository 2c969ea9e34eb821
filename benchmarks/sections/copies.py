"""Identical items collapsed, and the progress of a large batch."""

import json
from pathlib import Path
from typing import Any

from benchmarks import items, places
from benchmarks.figures import count, mebibytes, seconds
from benchmarks.plan import Plan
from benchmarks.product import ground
from benchmarks.report import Section, Table
from benchmarks.sections.direct import MODEL

NAME = "copies"
_ITEMS = 100_000
# Of ten items how many are identical to an earlier one.
_SHARES = (0, 5, 9)
# Nothing is sent in this section; lanes only have to exist.
_NOWHERE = "http://127.0.0.1:9"


def measure(plan: Plan) -> Section:
    """Measure manifests with no, some and many duplicates, in process."""
    section = Section(NAME, "Duplicates and progress, in process")
    number = plan.items(_ITEMS)
    with ground(providers_url=_NOWHERE, broker=plan.broker) as base:
        runs = [
            json.loads(
                base.python("benchmarks.inside_copies", str(_manifest(n, share)))
            )
            for n, share in ((number, share) for share in _SHARES)
        ]
        section.database = base.database.title
    for run, share in zip(runs, _SHARES, strict=True):
        if (run["rows"], run["copies"]) != (number, number * share // 10):
            section.faults.append(f"{run['rows']} rows, {run['copies']} copies")
    section.tables = [_table(runs)]
    return section


def _manifest(number: int, share: int) -> Path:
    """Write items of which this many in ten repeat the text of an earlier one."""
    path = places.ITEMS / f"copies-{share}.ndjson"
    items.write(path, count=number, shape=items.product_shape(MODEL))
    if share:
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        kinds = number - number * share // 10
        for index, line in enumerate(lines[kinds:]):
            line["input"] = lines[index % kinds]["input"]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def _table(runs: list[dict[str, Any]]) -> Table:
    columns = ["items", "copies", "upload", "MiB over idle", "quote and create",
               "copying", "copies/s", "MiB over idle", "work units",
               "progress, median", "worst of 200"]  # fmt: skip
    return Table(columns, [_row(run) for run in runs])


def _row(run: dict[str, Any]) -> list[str]:
    rate = run["copies"] / run["copying_seconds"]
    return [
        count(run["items"]),
        count(run["copies"]),
        seconds(run["upload_seconds"]),
        mebibytes(run["upload_over_idle_bytes"]),
        seconds(run["create_seconds"]),
        seconds(run["copying_seconds"]),
        count(rate),
        mebibytes(run["copying_over_idle_bytes"]),
        count(run["units"]),
        seconds(run["progress_seconds"]),
        seconds(run["progress_worst_seconds"]),
    ]
