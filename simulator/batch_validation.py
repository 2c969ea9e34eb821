"""What makes a whole batch fail before any line runs."""

import asyncio
from pathlib import Path
from typing import BinaryIO

from simulator import rows
from simulator.batch_record import BatchRecord
from simulator.wire import Json

MAX_LINES = 50_000
MAX_REPORTED_ERRORS = 50
_STEP_LINES = 128  # lines checked between two turns of the event loop


async def find_errors(path: Path, record: BatchRecord) -> tuple[list[Json], int]:
    """Return what is wrong with the input file, and its number of lines."""
    scripted = record.plan.get("fail_validation")
    if scripted:
        code = str(scripted.options.get("code", "token_limit_exceeded"))
        text = str(scripted.options.get("message", "Enqueued token limit reached."))
        return [error(code, text)], 0
    scan = _Scan(record)
    with path.open("rb") as source:
        while not scan.is_over and scan.read(source):
            await asyncio.sleep(0)
    if not scan.lines:
        return [error("empty_file", "The file contains no requests.")], 0
    return scan.errors, scan.lines


class _Scan:
    """The checks that need to see all lines."""

    def __init__(self, record: BatchRecord) -> None:
        self.errors: list[Json] = []
        self.lines = 0
        self._endpoint = record.view["endpoint"]
        self._model = record.model
        self._seen: set[str] = set()

    @property
    def is_over(self) -> bool:
        return len(self.errors) >= MAX_REPORTED_ERRORS or self.lines > MAX_LINES

    def read(self, source: BinaryIO) -> bool:
        """Check the next few lines; False at the end of the file."""
        for _ in range(_STEP_LINES):
            raw = source.readline(rows.MAX_LINE_BYTES)
            if not raw:
                return False
            self.lines += 1
            self._check(raw)
            if self.is_over:
                return False
        return True

    def _check(self, raw: bytes) -> None:
        try:
            self._seen.add(self._new_custom_id(raw))
        except rows.LineError as problem:
            found = error(problem.code, problem.message, problem.param, self.lines)
            self.errors.append(found)

    def _new_custom_id(self, raw: bytes) -> str:
        if self.lines > MAX_LINES:
            text = f"The batch has more than {MAX_LINES} requests."
            raise rows.LineError("too_many_tasks", text)
        custom_id, model = rows.check_line(rows.read_line(raw), self._endpoint)
        if custom_id in self._seen:
            text = f"The custom_id '{custom_id}' is used more than once."
            raise rows.LineError("duplicate_custom_id", text, "custom_id")
        if model != self._model:
            text = f"The model '{model}' differs from '{self._model}' in line 1."
            raise rows.LineError("model_mismatch", text, "body.model")
        return custom_id


def error(
    code: str, message: str, param: str | None = None, line: int | None = None
) -> Json:
    """Return one entry of a batch's ``errors``."""
    return {"code": code, "message": message, "param": param, "line": line}
