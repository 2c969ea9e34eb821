"""What makes a whole batch fail before any line runs."""

import asyncio
from pathlib import Path
from typing import BinaryIO

from simulator.batch_record import BatchRecord
from simulator.line_forms import MAX_LINE_BYTES, LineError, LineForm
from simulator.wire import Json

MAX_REPORTED_ERRORS = 50
_STEP_LINES = 128  # lines checked between two turns of the event loop


async def find_errors(
    path: Path, record: BatchRecord, form: LineForm
) -> tuple[list[Json], int]:
    """Return what is wrong with the input file, and its number of lines."""
    scripted = record.plan.get("fail_validation")
    if scripted:
        code = str(scripted.options.get("code", "token_limit_exceeded"))
        text = str(scripted.options.get("message", "Enqueued token limit reached."))
        return [error(code, text)], 0
    scan = _Scan(record, form)
    with path.open("rb") as source:
        while not scan.is_over and scan.read(source):
            await asyncio.sleep(0)
    if not scan.lines:
        return [error("empty_file", "The file contains no requests.")], 0
    return scan.errors, scan.lines


class _Scan:
    """The checks that need to see all lines."""

    def __init__(self, record: BatchRecord, form: LineForm) -> None:
        self._form = form
        self.errors: list[Json] = []
        self.lines = 0
        self._endpoint = record.view["endpoint"]
        self._model = record.model
        self._seen: set[str] = set()

    @property
    def is_over(self) -> bool:
        return (
            len(self.errors) >= MAX_REPORTED_ERRORS or self.lines > self._form.lines_max
        )

    def read(self, source: BinaryIO) -> bool:
        """Check the next few lines; False at the end of the file."""
        for _ in range(_STEP_LINES):
            raw = source.readline(MAX_LINE_BYTES)
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
        except LineError as problem:
            found = error(problem.code, problem.message, problem.param, self.lines)
            self.errors.append(found)

    def _new_custom_id(self, raw: bytes) -> str:
        if self.lines > self._form.lines_max:
            text = f"The batch has more than {self._form.lines_max} requests."
            raise LineError("too_many_tasks", text)
        custom_id, model = self._form.check(raw, self._endpoint)
        if custom_id in self._seen:
            text = f"The custom_id '{custom_id}' is used more than once."
            raise LineError("duplicate_custom_id", text, "custom_id")
        if self._form.has_one_model and model != self._model:
            text = f"The model '{model}' differs from '{self._model}' in line 1."
            raise LineError("model_mismatch", text, "body.model")
        return custom_id


def error(
    code: str, message: str, param: str | None = None, line: int | None = None
) -> Json:
    """Return one entry of a batch's ``errors``."""
    return {"code": code, "message": message, "param": param, "line": line}
