"""``python -m benchmarks [--quick] [--only NAME]``: measure, print, report."""

import argparse
import fcntl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg

from benchmarks import machine, places, report
from benchmarks.plan import Plan
from benchmarks.report import Circumstances, Section
from benchmarks.sections import (
    copies,
    decode,
    direct,
    learning,
    native,
    pages,
    planning,
    reports,
    sizes,
    upload,
    webhooks,
    window,
)
from devtools import processes
from devtools.processes import Interrupts
from devtools.say import Trouble, complain

_SECTIONS: dict[str, Callable[[Plan], Section]] = {
    direct.NAME: direct.measure,
    window.NAME: window.measure,
    decode.NAME: decode.measure,
    upload.NAME: upload.measure,
    sizes.NAME: sizes.measure,
    native.NAME: native.measure,
    webhooks.NAME: webhooks.measure,
    reports.NAME: reports.measure,
    planning.NAME: planning.measure,
    learning.NAME: learning.measure,
    copies.NAME: copies.measure,
    pages.NAME: pages.measure,
}
_RUNS = 5
_QUICK_RUNS = 1


def main() -> int:
    """Run the sections that were asked for; 1 when a result is wrong."""
    options = _options()
    runs = options.runs or (_QUICK_RUNS if options.quick else _RUNS)
    plan = Plan(is_quick=options.quick, runs=runs, broker=options.broker)
    Interrupts.listen()
    try:
        with _alone():
            names = options.only or list(_SECTIONS)
            faults = [fault for name in names for fault in _measure(name, plan)]
    except (Trouble, OSError, psycopg.Error) as trouble:
        complain(f"\n{trouble}\nThe programs' logs are in {places.LOGS}.")
        return 1
    except KeyboardInterrupt:
        return 130
    for fault in faults:
        complain(f"WRONG: {fault}")
    return 1 if faults else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a tenth of the items, once: to see it work; no report is written",
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=list(_SECTIONS),
        metavar="NAME",
        help=f"one of {', '.join(_SECTIONS)}; may be said again",
    )
    parser.add_argument(
        "--runs", type=int, help=f"rounds of `direct` and `window` ({_RUNS})"
    )
    parser.add_argument("--broker", choices=["files", "redis"], default="files")
    return parser.parse_args()


def _measure(name: str, plan: Plan) -> list[str]:
    """Measure a section, show it, keep it; return what is wrong with its results."""
    began = datetime.now(UTC)
    section = _SECTIONS[name](plan)
    circumstances = Circumstances(
        date=began.strftime("%Y-%m-%d %H:%M UTC"),
        commit=_commit(),
        machine=machine.describe(),
        command=" ".join([".venv/bin/python -m benchmarks", *sys.argv[1:]]),
        database=section.database,
        broker=plan.broker,
    )
    text = report.render(section, circumstances)
    report.show(section, text)
    report.keep(places.RESULTS, section, circumstances)
    if not plan.is_quick:
        report.write(places.REPORT, name, text)
    return section.faults


def _commit() -> str:
    """Name the commit, and say whether files differ from it."""
    git = ["git", "-C", str(places.ROOT)]
    try:
        commit = processes.run([*git, "rev-parse", "--short", "HEAD"]).strip()
        others = [*git, "status", "--porcelain", "--", ".", ":!docs/performance.md"]
        changed = processes.run(others).strip()
    except (Trouble, FileNotFoundError):
        return "unknown"
    return f"{commit} with changes" if changed else commit


@contextmanager
def _alone() -> Iterator[None]:
    """Hold the folder: two runs would measure each other.

    Raises:
        Trouble: another run is under way.
    """
    places.HOME.mkdir(parents=True, exist_ok=True)
    with (places.HOME / "running").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Trouble("Another run of the benchmarks is under way.") from error
        yield


if __name__ == "__main__":
    sys.exit(main())
