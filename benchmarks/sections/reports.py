"""The optimization report over a million settled rows, and reading past jobs."""

import json
from typing import Any

from benchmarks import figures
from benchmarks.figures import count
from benchmarks.plan import Plan
from benchmarks.product import ground
from benchmarks.report import Section, Table, Target

NAME = "reports"
_ROWS = 1_000_000
_SECONDS_MAX = 2.0
# Nobody is asked for anything.
_NOWHERE = "http://127.0.0.1:9"


def measure(plan: Plan) -> Section:
    """Fill the tables, sum up every batch, and ask for the report."""
    section = Section(NAME, "Optimization report, and imports of past jobs")
    with ground(providers_url=_NOWHERE, broker=plan.broker) as base:
        told = json.loads(base.python("benchmarks.reporting", str(plan.items(_ROWS))))
        section.database = base.database.title
    seconds = figures.median(told["report_seconds"])
    section.tables = [_table(told, seconds)]
    section.targets = [
        Target(
            "the report, median",
            f"at most {_SECONDS_MAX:.0f} s",
            f"{seconds:.2f} s",
            seconds <= _SECONDS_MAX,
        )
    ]
    section.faults = _faults(told)
    section.note = (
        "In one process, without HTTP. The rows stand in batches of a thousand; each "
        "was summed up as its settlement does, with six policies tried on its "
        "decision. The recount is one sum over the same rows, for comparison. The "
        "imported file has lines of a kilobyte."
    )
    return section


def _table(told: dict[str, Any], seconds: float) -> Table:
    columns = [
        "rows",
        "batches",
        "policies tried",
        "report, median",
        "report, slowest",
        "recount from rows",
        "sums of a batch",
        "import",
    ]
    row = [
        count(told["rows"]),
        count(told["batches"]),
        count(told["tried"]),
        f"{seconds:.2f} s",
        f"{max(told['report_seconds']):.2f} s",
        f"{told['recount_seconds']:.2f} s",
        f"{told['roll_up_ms']:.0f} ms",
        f"{count(told['import_lines_per_second'])} lines/s",
    ]
    return Table(columns, [row])


def _faults(told: dict[str, Any]) -> list[str]:
    faults = []
    if not told["rows"] == told["counted_rows"] == told["reported_items"]:
        faults.append(
            f"the report has {told['reported_items']} items, the rows are "
            f"{told['counted_rows']}"
        )
    if not told["recommends"]:
        faults.append("hurried work was not recommended more time")
    return faults
