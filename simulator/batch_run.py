"""Running native batches: validate, execute, shuffle and publish, file to file."""

import asyncio
import logging
import time
from collections.abc import Mapping
from pathlib import Path

from simulator import line_forms
from simulator.batch_execution import VALIDATED_AT, Execution
from simulator.batch_record import TERMINAL, BatchRecord, loaded
from simulator.batch_validation import error, find_errors
from simulator.line_forms import LineForm
from simulator.publishing import publish
from simulator.wire import Json
from simulator.world import World

logger = logging.getLogger(__name__)

_CHECKPOINT_SECONDS = 1.0
_STEP_LINES = 16  # lines worked on between two turns of the event loop
_PAUSE_SECONDS = 0.02


class BatchRunner:
    """Owns the batches and one task for each that is not finished.

    Args:
        world: what the simulator holds.
        data_dir: where work files lie.
        forms: the lines of each provider that has batches.
    """

    def __init__(
        self, world: World, data_dir: Path, forms: Mapping[str, LineForm]
    ) -> None:
        self._world = world
        self._forms = forms
        self._work = data_dir / "work"
        self._work.mkdir(parents=True, exist_ok=True)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.records: dict[str, BatchRecord] = {
            batch_id: loaded(saved)
            for batch_id, saved in world.store.load("batch").items()
        }

    def resume(self) -> None:
        """Go on with every batch that an earlier run left unfinished."""
        for record in self.records.values():
            if record.status not in TERMINAL:
                self._start(record)

    def add(self, record: BatchRecord) -> None:
        """Save a new batch and start it."""
        self.records[record.id] = record
        self.save(record)
        self._start(record)

    def save(self, record: BatchRecord) -> None:
        """Write a batch where the next start finds it."""
        self._world.store.save("batch", record.id, record.saved())

    def forget(self, record: BatchRecord) -> None:
        """Remove a batch that has ended."""
        del self.records[record.id]
        self._world.store.remove(record.id)

    async def stop(self) -> None:
        """Stop all tasks at their last finished line and save them."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def work_paths(self, record: BatchRecord) -> tuple[Path, Path]:
        """Return the unshuffled output and error files of a running batch."""
        base = self._work / record.id
        return base.with_suffix(".output"), base.with_suffix(".error")

    def _start(self, record: BatchRecord) -> None:
        task = asyncio.create_task(self._run(record))
        self._tasks[record.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(record.id, None))

    async def _run(self, record: BatchRecord) -> None:
        try:
            await self._live(record)
        except FileNotFoundError:
            self._fail(record, [error("invalid_file", "The input file is gone.")])
        except Exception:
            # Nobody awaits this task, so say it here.
            logger.exception("batch %s stopped", record.id)
            raise

    async def _live(self, record: BatchRecord) -> None:
        if record.status == "validating" and not await self._validate(record):
            return
        if record.status in ("in_progress", "cancelling"):
            await self._execute(record)
        await self._finish(record)

    async def _validate(self, record: BatchRecord) -> bool:
        errors, total = await find_errors(
            self._input(record), record, self._forms[record.provider]
        )
        await _until(record.created + record.seconds * VALIDATED_AT)
        if errors:
            self._fail(record, errors)
            return False
        record.view["request_counts"]["total"] = total
        if record.status == "validating":
            record.move("in_progress")
        self.save(record)
        return True

    def _fail(self, record: BatchRecord, errors: list[Json]) -> None:
        record.view["errors"] = {"object": "list", "data": errors}
        record.move("failed")
        self.save(record)

    async def _execute(self, record: BatchRecord) -> None:
        form, paths = self._forms[record.provider], self.work_paths(record)
        with Execution(self._world, record, form, paths) as execution:
            try:
                await self._work_through(record, execution)
            finally:
                execution.checkpoint()
                self.save(record)

    async def _work_through(self, record: BatchRecord, execution: Execution) -> None:
        saved_at = time.monotonic()
        limit = execution.last_line()
        while record.status != "cancelling" and not execution.is_done(limit):
            ready = min(limit, execution.due_lines(time.time()))
            if record.progress.line >= ready:
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            execution.work(min(_STEP_LINES, ready - record.progress.line))
            await asyncio.sleep(0)
            if time.monotonic() - saved_at > _CHECKPOINT_SECONDS:
                execution.checkpoint()
                self.save(record)
                saved_at = time.monotonic()
        cancelled = record.status == "cancelling"
        code = line_forms.CANCELLED if cancelled else line_forms.EXPIRED
        if cancelled or record.plan.get("expire"):
            while execution.give_up(code, _STEP_LINES * 16):
                await asyncio.sleep(0)

    async def _finish(self, record: BatchRecord) -> None:
        end = "expired" if record.plan.get("expire") else "completed"
        if record.status == "cancelling":
            end = "cancelled"
        elif end == "completed" and record.status != "finalizing":
            record.move("finalizing")
            self.save(record)
        await publish(self._world, record, self.work_paths(record))
        if end != "cancelled":
            await _until(record.created + record.seconds)
        # A cancel that came while finalizing loses the race, as it does for real.
        record.move(end)
        self.save(record)
        self._world.save_ledger()
        for path in self.work_paths(record):
            path.unlink(missing_ok=True)

    def _input(self, record: BatchRecord) -> Path:
        return self._world.shelf.path(record.view["input_file_id"])


async def _until(moment: float) -> None:
    """Sleep until ``moment`` in Unix seconds."""
    await asyncio.sleep(max(0.0, moment - time.time()))
