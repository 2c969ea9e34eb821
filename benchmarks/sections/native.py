"""A whole batch on a native-batch lane: what we add to the provider's own time."""

import json
import shutil
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks import figures, items, places
from benchmarks.figures import count, mebibytes, percent, seconds
from benchmarks.plan import Plan
from benchmarks.product import GIVE_UP_SECONDS, TERMINAL, BatchRun, Product, ground
from benchmarks.programs import programs
from benchmarks.report import Section, Table
from devtools import ports
from devtools.ports import HOST
from devtools.say import Trouble, say

NAME = "native"
MODEL = "gpt-5.4-nano"
_ITEMS = 10_000
_REPEATS = 3
_PROVIDER_SECONDS = 2.0
_LOOK_SECONDS = 0.05
# The simulator answers with sentences of the text, each of which holds the key.
_ECHO = "{}"
_PROVIDER, _WAITING, _WORK = "at the provider", "until the next poll", "our work"


@dataclass(frozen=True)
class _Run:
    run: BatchRun
    phases: dict[str, float]


def measure(plan: Plan) -> Section:
    """Run a batch on the simulator's batch API and sort its time by who had it."""
    section = Section(NAME, "Native-batch lane, end to end")
    number = plan.items(_ITEMS)
    with (
        _simulator() as simulator,
        ground(providers_url=simulator, broker=plan.broker) as base,
        base.up() as product,
    ):
        path = places.ITEMS / "native.ndjson"
        shape = items.product_shape(MODEL)
        items.write(path, count=number, shape=shape, key_everywhere=True)
        product.warm_up(MODEL)
        file_id = str(product.api.upload(path)["id"])
        runs = []
        for _ in range(plan.repeats(_REPEATS)):
            say(f"native: {number:,} items ...")
            runs.append(_run(product, simulator, file_id, number, section))
    section.tables = [_table(runs)]
    section.database = base.database.title
    section.note = (
        "The provider is the simulator; a job is with it from its acceptance until it "
        f"says completed, at least {_PROVIDER_SECONDS:.0f} s. An instant counts for "
        "the provider while any job of the batch is there; else, while all open "
        "units wait for their time, for the next poll (NATIVE_POLL_FIRST_SECONDS and "
        "SWEEP_SECONDS, a choice and no work); else for us: quote, upload of the "
        "lines, download, checks, rows, settlement, artifacts."
    )
    return section


def _run(
    product: Product, simulator: str, file_id: str, number: int, section: Section
) -> _Run:
    product.database.settle_down()
    before = {job["id"] for job in _jobs(simulator)}
    accepted = _accepted_total(simulator)
    memory, meter = product.memory(), product.meter()
    batch_id = str(product.api.post("/v1/batches", {"input_file_id": file_id})["id"])
    phases, state = _watch(product, simulator, batch_id, before)
    spent = meter.read()
    faults = [] if state == "completed" else [f"the batch {state}"]
    run = BatchRun(batch_id, number, spent, memory.over_idle(), faults)
    faults = product.row_faults(run, echo=_ECHO)
    asked = _accepted_total(simulator) - accepted
    if asked != number:
        faults.append(f"the provider ran {asked} rows")
    section.faults += faults
    return _Run(run, phases)


def _watch(
    product: Product, simulator: str, batch_id: str, before: set[str]
) -> tuple[dict[str, float], str]:
    """Look at the batch and at the provider until the end; return seconds by phase."""
    phases = dict.fromkeys((_PROVIDER, _WAITING, _WORK), 0.0)
    give_up = time.monotonic() + GIVE_UP_SECONDS
    last = time.monotonic()
    while True:
        state = product.database.batch_state(batch_id)
        phase = _phase(product, simulator, batch_id, before)
        now = time.monotonic()
        phases[phase] += now - last
        last = now
        if state in TERMINAL:
            return phases, state
        if now > give_up:
            raise Trouble(f"{batch_id} is still {state} after 10 minutes")
        product.programs.ensure_alive()
        time.sleep(_LOOK_SECONDS)


def _phase(product: Product, simulator: str, batch_id: str, before: set[str]) -> str:
    is_there = any(
        job["id"] not in before and job["status"] != "completed"
        for job in _jobs(simulator)
    )
    if is_there:
        return _PROVIDER
    units = product.database.unit_states(batch_id)
    is_idle = "waiting" in units and not {"running", "ready"} & units.keys()
    return _WAITING if is_idle else _WORK


def _jobs(simulator: str) -> list[dict[str, str]]:
    jobs: list[dict[str, str]] = _stats(simulator)["batches"]
    return jobs


def _accepted_total(simulator: str) -> int:
    return int(_stats(simulator)["accepted_total"])


def _stats(simulator: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{simulator}/_sim/stats", timeout=60) as reply:
        stats: dict[str, Any] = json.load(reply)
    return stats


@contextmanager
def _simulator() -> Iterator[str]:
    port = ports.any_free()
    command = [sys.executable, "-m", "simulator", "--quiet", "--port", str(port)]
    folder = places.HOME / "simulator"
    command += ["--data-dir", str(folder)]
    command += ["--batch-seconds", str(_PROVIDER_SECONDS)]
    with programs() as held:
        held.start("simulator", command)
        held.wait_open(port)
        yield f"http://{HOST}:{port}"
    shutil.rmtree(folder, ignore_errors=True)


def _table(runs: list[_Run]) -> Table:
    columns = [
        "items",
        "in all",
        _PROVIDER,
        _WAITING,
        f"**{_WORK}**",
        "items/s of ours",
    ]
    columns += ["CPU µs/item", "MiB over idle", "others' CPU"]
    number = runs[0].run.items

    def middle(phase: str) -> float:
        return figures.median(run.phases[phase] for run in runs)

    row = [
        count(number),
        seconds(figures.median(run.run.spent.wall_seconds for run in runs)),
        seconds(middle(_PROVIDER)),
        seconds(middle(_WAITING)),
        seconds(middle(_WORK)),
        count(number / middle(_WORK)),
        count(figures.median(run.run.our_cpu_seconds for run in runs) / number * 1e6),
        mebibytes(max(max(run.run.over_idle_bytes.values()) for run in runs)),
        percent(figures.median(run.run.spent.others_share for run in runs)),
    ]
    return Table(columns, [row])
