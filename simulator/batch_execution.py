"""Working through the lines of one batch, from its input file to its work files."""

from collections.abc import Iterator
from pathlib import Path

from simulator.batch_record import BatchRecord
from simulator.line_forms import LineForm, Row
from simulator.wire import Json
from simulator.world import World

# Shares of a batch's time: validating ends at the first, executing at the second.
VALIDATED_AT, _EXECUTED_AT = 0.1, 0.85


class Execution:
    """The open files of a batch while its lines are worked through."""

    def __init__(
        self,
        world: World,
        record: BatchRecord,
        form: LineForm,
        paths: tuple[Path, Path],
    ) -> None:
        self._world = world
        self._form = form
        self._record = record
        self._files = [path.open("ab") for path in paths]
        progress = record.progress
        self._output, self._error = self._files
        # Rows written after the last checkpoint will be written again.
        for file, size in zip(
            self._files, (progress.output_size, progress.error_size), strict=True
        ):
            file.truncate(size)
            file.seek(size)
        self._source = world.shelf.path(record.view["input_file_id"]).open("rb")
        self._source.seek(progress.offset)
        self._plan = record.plan

    def __enter__(self) -> "Execution":
        return self

    def __exit__(self, *_: object) -> None:
        for file in [self._source, *self._files]:
            file.close()

    def last_line(self) -> int:
        """Return how many lines are to run."""
        total = int(self._record.view["request_counts"]["total"])
        expire, stuck = self._plan.get("expire"), self._plan.get("stuck")
        if stuck:
            return int(total * float(stuck.options.get("fraction", 0)))
        if expire:
            return int(total * float(expire.options.get("fraction", 0.5)))
        return total

    def is_done(self, limit: int) -> bool:
        """Say whether the lines that are to run have run; never when stuck."""
        return self._record.progress.line >= limit and not self._plan.get("stuck")

    def due_lines(self, now: float) -> int:
        """Return how many lines should have run by ``now`` (Unix seconds)."""
        record = self._record
        begin = record.created + record.seconds * VALIDATED_AT
        span = record.seconds * (_EXECUTED_AT - VALIDATED_AT)
        share = 1.0 if span <= 0 else min(1.0, (now - begin) / span)
        return int(share * int(record.view["request_counts"]["total"]))

    def work(self, count: int) -> None:
        """Run the next ``count`` lines."""
        counts = self._record.view["request_counts"]
        for raw in self._lines(count):
            if self._plan.get("all_failed"):
                self._error.write(self._form.failed(raw))
                counts["failed"] += 1
                continue
            row = self._form.run(self._world, self._record.provider, raw)
            counts["completed" if row.is_success else "failed"] += 1
            self._keep(row)

    def give_up(self, code: str, count: int) -> bool:
        """Write the next lines off as not executed; False when none is left."""
        written = 0
        for raw in self._lines(count):
            self._error.write(self._form.unexecuted(raw, code))
            self._record.view["request_counts"]["failed"] += 1
            written += 1
        self._record.progress.unexecuted += written
        return written == count

    def checkpoint(self) -> None:
        """Note how far the files are good."""
        progress = self._record.progress
        for file in self._files:
            file.flush()
        progress.output_size = self._output.tell()
        progress.error_size = self._error.tell()
        self._world.save_ledger()

    def _lines(self, count: int) -> Iterator[bytes]:
        progress = self._record.progress
        left = int(self._record.view["request_counts"]["total"]) - progress.line
        for _ in range(min(count, left)):
            raw = self._source.readline()
            progress.offset += len(raw)
            progress.line += 1
            yield raw

    def _keep(self, row: Row) -> None:
        progress = self._record.progress
        file = self._output if row.is_success else self._error
        for _ in range(row.copies):
            file.write(row.data)
            progress.output_rows += row.is_success
        if row.cuts_file and row.copies:
            progress.cut_after = progress.output_rows - 1
        _add_usage(self._record.view["usage"], row)


def _add_usage(usage: Json, row: Row) -> None:
    usage["input_tokens"] += row.input_tokens
    usage["output_tokens"] += row.output_tokens
    usage["total_tokens"] += row.input_tokens + row.output_tokens
