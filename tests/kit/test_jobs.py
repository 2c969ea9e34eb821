"""The doorbell, on brokers that are real: in memory, in files, and dead ones."""

from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from celery import Celery
from django.db import transaction

from batchrouter import celery
from batchrouter.kit.jobs import Job, enqueue_on_commit, ring
from tests.settings.processes import lines, python

pytestmark = pytest.mark.django_db


@pytest.fixture
def broker() -> Iterator[Celery]:
    """Put a broker in memory in the place of the configured one."""
    app = Celery("bell", broker="memory://", set_as_current=False)
    app.set_current()
    with app.connection_for_write() as connection:
        connection.SimpleQueue("celery").clear()
    yield app
    celery.app.set_current()


def rung(broker: Celery) -> list[tuple[str, dict[str, Any]]]:
    """Take what waits at the broker: each job and its ids."""
    found: list[tuple[str, dict[str, Any]]] = []
    with broker.connection_for_read() as connection:
        queue = connection.SimpleQueue("celery")
        while True:
            try:
                message = queue.get_nowait()
            except Empty:
                return found
            message.ack()
            found.append((message.headers["task"], message.payload[1]))


def test_a_ring_names_the_job_and_carries_ids_only(broker: Celery) -> None:
    ring(Job.DISPATCH_BATCH, batch_id=7)
    assert rung(broker) == [("batches.dispatch_batch", {"batch_id": 7})]


@pytest.mark.django_db(transaction=True)
def test_a_job_is_enqueued_after_the_commit(broker: Celery) -> None:
    with transaction.atomic():
        enqueue_on_commit(Job.FINALIZE_BATCH, batch_id=7)
        assert rung(broker) == []
    assert rung(broker) == [("batches.finalize_batch", {"batch_id": 7})]


@pytest.mark.django_db(transaction=True)
def test_nothing_is_enqueued_when_the_transaction_rolls_back(broker: Celery) -> None:
    with transaction.atomic():
        enqueue_on_commit(Job.FINALIZE_BATCH, batch_id=7)
        transaction.set_rollback(True)
    assert rung(broker) == []


@pytest.mark.django_db(transaction=True)
def test_a_job_is_enqueued_at_once_outside_a_transaction(broker: Celery) -> None:
    enqueue_on_commit(Job.SWEEP)
    assert rung(broker) == [("batches.sweep", {})]


def _broker_of_files(folder: Path) -> Celery:
    app = Celery("bell", broker="files://localhost", set_as_current=False)
    app.conf.broker_transport_options = {
        "data_folder_in": str(folder),
        "data_folder_out": str(folder),
        "control_folder": str(folder / "control"),
    }
    return app


@pytest.mark.usefixtures("broker")
def test_a_folder_that_is_gone_is_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _broker_of_files(tmp_path / "gone").set_current()
    ring(Job.SWEEP)
    assert "the sweep will find it: batches.sweep" in caplog.text


@pytest.mark.usefixtures("broker")
def test_a_folder_that_takes_no_message_is_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Kombu writes a message into the folder; here a file has the folder's name."""
    (tmp_path / "control").mkdir()
    app = _broker_of_files(tmp_path)
    app.conf.broker_transport_options["data_folder_out"] = "/dev/null"
    app.set_current()
    ring(Job.SWEEP)
    assert "the sweep will find it: batches.sweep" in caplog.text


RING_TWICE = """
import django, time
django.setup()
from batchrouter.kit.jobs import Job, ring
begun = time.monotonic()
ring(Job.SWEEP)
ring(Job.SWEEP)
print(time.monotonic() - begun)
"""


def test_a_redis_that_is_down_is_no_error_and_costs_no_wait() -> None:
    done = python(RING_TWICE, REDIS_URL="redis://127.0.0.1:1/0")
    assert done.returncode == 0, done.stderr
    assert len(lines(done.stderr, "the sweep will find it")) == 2
    # Left alone, kombu waits for six seconds each time.
    assert float(done.stdout) < 11


def test_every_job_has_a_task() -> None:
    celery.app.loader.import_default_modules()
    assert {str(job) for job in Job} <= set(celery.app.tasks)
