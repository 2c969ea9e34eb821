"""Drained units are recorded beside the loop, and each exactly once."""

import uuid
from typing import Any

import pytest
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from batches.engine.direct import DirectEngine
from batches.engine.direct_run import DirectRun
from batches.engine.endings import EndingsInThread
from batches.models import WorkUnit
from tests.batches.conftest import Customer
from tests.batches.engine.builders import (
    DIRECT,
    OTHER,
    dispatched,
    executions_of,
    make_texts,
    serve_direct,
    statuses_of,
    units_of,
)
from tests.factories.batches import book_problems
from tests.support.simulator import SimulatorProcess

pytestmark = pytest.mark.usefixtures("committed_db")


class _LosesLeases(EndingsInThread):
    """Each run's unit is somebody else's by the time it is recorded."""

    def begin(self, run: DirectRun) -> None:
        WorkUnit.objects.filter(pk=run.unit.unit_id).update(lease_token=uuid.uuid4())
        super().begin(run)


class _TellsItsConnection(EndingsInThread):
    """Keeps what its thread calls the database's connection."""

    def __init__(self) -> None:
        super().__init__()
        self.used: list[BaseDatabaseWrapper] = []

    def begin(self, run: DirectRun) -> None:
        super().begin(run)
        self._thread.submit(lambda: self.used.append(connections["default"]))


def test_units_are_recorded_with_their_rows_counts_and_costs(
    owner: Customer, simulator: SimulatorProcess, settings: Any
) -> None:
    settings.DIRECT_UNIT_ITEMS = 10
    batch = dispatched(owner.org, make_texts(*["hello"] * 100), DIRECT)

    serve_direct()

    assert statuses_of(batch) == ["completed"] * 100
    assert [(unit.state, unit.completed) for unit in units_of(batch)] == [
        ("done", 10)
    ] * 10
    assert [
        (execution.state, execution.outcome, execution.completed)
        for execution in executions_of(batch)
    ] == [("ended", "ok", 10)] * 10
    assert set(simulator.accepted("pexec_").values()) == {1}
    assert book_problems() == []


def test_what_is_left_of_a_unit_moves_on_while_others_are_recorded(
    owner: Customer, simulator: SimulatorProcess, settings: Any
) -> None:
    settings.DIRECT_UNIT_ITEMS = 5
    texts = ["hello"] * 9 + ["say [[sim:500]]"]
    batch = dispatched(owner.org, make_texts(*texts), DIRECT, OTHER)

    serve_direct()

    assert statuses_of(batch)[:9] == ["completed"] * 9
    assert [execution.completed for execution in executions_of(batch)][:2] == [5, 4]
    assert book_problems() == []


def test_a_unit_whose_lease_was_lost_before_its_end_is_not_recorded(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = dispatched(owner.org, make_texts(*["hello"] * 5), DIRECT)

    DirectEngine(_LosesLeases()).run(budget_seconds=30)

    assert [unit.state for unit in units_of(batch)] == ["running"]
    assert [execution.state for execution in executions_of(batch)] == ["planned"]


def test_the_thread_gives_its_connection_back(
    owner: Customer, simulator: SimulatorProcess
) -> None:
    batch = dispatched(owner.org, make_texts("hello"), DIRECT)
    endings = _TellsItsConnection()

    DirectEngine(endings).run(budget_seconds=30)

    assert statuses_of(batch) == ["completed"]
    (used,) = endings.used
    assert used is not connections["default"]
    assert used.connection is None
