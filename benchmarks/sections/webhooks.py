"""Webhooks out: how many a second, and whether a dead endpoint delays anybody."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.figures import count, percent
from benchmarks.machine import Meter
from benchmarks.plan import Plan
from benchmarks.product import ground
from benchmarks.report import Section, Table, Target
from devtools.ports import HOST
from tests.support.receiver import Receiver

NAME = "webhooks"
_BURST = 10_000
_RATE_MIN = 200.0
# Two medians of one load differ by this much on a machine of two cores by itself.
_DELAY_MAX_SECONDS = 0.05


def measure(plan: Plan) -> Section:
    """Send to a hundred endpoints, with one of them dead and with none."""
    section = Section(NAME, "Webhooks out")
    number = plan.items(_BURST)
    with (
        Receiver() as receiver,
        _dead() as dead_url,
        ground(providers_url=f"http://{HOST}:9", broker=plan.broker) as base,
    ):
        meter = Meter({"database": list(base.database.roots)}, ours=base.database.roots)
        arguments = (receiver.url, dead_url, str(number))
        told = json.loads(base.python("benchmarks.inside_webhooks", *arguments))
        spent = meter.read()
    section.database = base.database.title
    section.tables = [_burst_table(told), _paced_table(told)]
    section.targets = _targets(told)
    # Of the endpoint that is dead in one of the runs none is counted in any.
    if told["burst_alone"]["deliveries"] != number * 99 // 100:
        section.faults.append("not every event was delivered")
    database = spent.cpu_seconds["database"]
    section.note = (
        f"A hundred endpoints of one organization at one receiver on this machine, "
        f"written in Python, which shares the cores; the dead one takes connections "
        f"and never answers. At once: {number:,} events are due when the worker "
        f"begins. Paced: 200 come every second for 20 seconds, and the times are from "
        f"the event to the answer. PostgreSQL used {database:.1f} s of CPU in all; "
        f"other programs used {percent(spent.others_share)} of the machine."
    )
    return section


@contextmanager
def _dead() -> Iterator[str]:
    """Listen, and never answer."""
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        listening.listen(256)
        yield f"http://{HOST}:{listening.getsockname()[1]}/dead"


_ROWS = (("all alive", "alone"), ("1 of 100 dead", "beside_dead"))


def _burst_table(told: dict[str, dict[str, float]]) -> Table:
    rows = []
    for title, name in _ROWS:
        run = told[f"burst_{name}"]
        rows.append(
            [
                title,
                count(run["deliveries"]),
                count(run["deliveries"] / run["seconds"]),
                count(run["cpu_seconds"] / run["deliveries"] * 1e6),
            ]
        )
    columns = ["at once", "delivered", "deliveries/s", "CPU µs each, worker"]
    return Table(columns, rows)


def _paced_table(told: dict[str, dict[str, float]]) -> Table:
    rows = []
    for title, name in _ROWS:
        run = told[f"paced_{name}"]
        waits = ("median_seconds", "p99_seconds", "longest_seconds")
        rows.append(
            [
                title,
                count(run["deliveries"]),
                *(f"{run[wait] * 1000:.0f} ms" for wait in waits),
            ]
        )
    columns = ["200 a second", "delivered", "median", "99 %", "longest"]
    return Table(columns, rows)


def _targets(told: dict[str, dict[str, float]]) -> list[Target]:
    run = told["burst_beside_dead"]
    rate = run["deliveries"] / run["seconds"]
    alone, beside = told["paced_alone"], told["paced_beside_dead"]
    delay = beside["median_seconds"] - alone["median_seconds"]
    return [
        Target(
            "deliveries a second with 1 dead endpoint in 100",
            f"at least {_RATE_MIN:.0f}",
            count(rate),
            rate >= _RATE_MIN,
        ),
        Target(
            "the dead one delays the others, at the median",
            f"by at most {_DELAY_MAX_SECONDS * 1000:.0f} ms",
            f"{delay * 1000:+.0f} ms",
            delay <= _DELAY_MAX_SECONDS,
        ),
    ]
