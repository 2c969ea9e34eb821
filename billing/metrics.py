"""What monitoring sees of the books: read from the database at each scrape.

Workers prove, web processes are scraped; the last runs are rows, so any process can
tell them.
"""

from collections.abc import Iterable, Iterator

from django.db import DatabaseError
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from billing.freeze import current_freeze
from billing.models import BalanceNotice, ReconcileRun


class BooksCollector(Collector):
    """Gauges of the last proofs, the freeze, and what waits for somebody."""

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Name nothing in advance: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges; none while the database does not answer."""
        try:
            gauges = list(_gauges())
        except DatabaseError:
            return
        yield from gauges


def register() -> None:
    """Add the gauges to ``/metrics``, once in a process."""
    if not _registered:
        _registered.append(BooksCollector())
        REGISTRY.register(_registered[0])


_registered: list[BooksCollector] = []


def _gauges() -> Iterator[GaugeMetricFamily]:
    frozen = GaugeMetricFamily("money_frozen", "1 while spending is stopped.")
    frozen.add_metric([], int(current_freeze() is not None))
    yield frozen
    yield from _runs()
    waiting = GaugeMetricFamily("notices_waiting", "Notices nobody handed on yet.")
    waiting.add_metric(
        [], BalanceNotice.objects.filter(handed_on_at__isnull=True).count()
    )
    yield waiting


def _runs() -> Iterator[GaugeMetricFamily]:
    """Yield each proof by its newest run, and when the rounds were last made."""
    ok = GaugeMetricFamily(
        "ledger_check_ok", "1 where the proof held when it ran last.", labels=["code"]
    )
    last = GaugeMetricFamily(
        "ledger_reconcile_last_run_seconds",
        "When the proofs ran last, in seconds since 1970.",
        labels=["extent"],
    )
    newest = ReconcileRun.objects.order_by("-started_at")
    runs = {
        "full": newest.filter(since__isnull=True).first(),
        "recent": newest.filter(since__isnull=False).first(),
    }
    found = [(extent, run) for extent, run in runs.items() if run is not None]
    verdicts: dict[str, int] = {}
    for extent, run in sorted(found, key=lambda pair: pair[1].started_at):
        last.add_metric([extent], int(run.started_at.timestamp()))
        # Two apps may extend one code: all of its proofs must hold.
        of_run: dict[str, int] = {}
        for result in run.results:
            code = result["code"]
            of_run[code] = min(of_run.get(code, 1), int(result["ok"]))
        verdicts |= of_run
    for code, held in sorted(verdicts.items()):
        ok.add_metric([code], held)
    yield ok
    yield last
