"""A manifest's items read once, while they arrive, in bounded memory.

One pass writes the bytes to the store with their hash, splits lines, checks every item,
counts its tokens and spools its row. Nothing is kept of a manifest that is refused.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import orjson

from batches.manifest.groups import GroupSums
from batches.manifest.intake import Intake
from batches.manifest.lines import LINE_BYTES_MAX, Line, split_lines
from batches.manifest.problems import OnInvalid, Problem
from batches.manifest.spool import Spool
from batchrouter.kit import strict_json
from batchrouter.kit.storage import Blob, Store

FILE_BYTES_MAX = 200 << 20
INLINE_ITEMS_MAX = 5_000
_BLANKS_MAX = 1_000
_TOO_LONG = Problem("", "line_too_long", "A line may have 1 MiB at most.")
_BLANK = Problem("", "blank_line", "A blank line may stand at the end only.")
_NOT_TEXT = {
    b"\xff\xfe": "The file is UTF-16; save it as UTF-8.",
    b"\xfe\xff": "The file is UTF-16; save it as UTF-8.",
    b"\x1f\x8b": "The file is compressed; send it as plain NDJSON.",
    b"PK": "The file is an archive; send it as plain NDJSON.",
}

# The line that an item was made of, and the item, or why there is none.
Made = tuple[int, Any | Problem]


class SourceBroken(Exception):
    """What items are made of ends early: what follows could only be guessed."""

    def __init__(self, problem: Problem, line: int | None = None) -> None:
        super().__init__(problem.message)
        self.problem = problem
        self.line = line


@dataclass(frozen=True, slots=True)
class ReadManifest:
    """A manifest that can be stored.

    Attributes:
        blob: the file's bytes, already in the store.
        spool: the items' rows; removed when the reader closes.
        duplicates: items that ask the same as an earlier one.
        golden_count: items whose right answer is known.
        skipped: the first 100 of the lines left out, each with its first problem.
    """

    blob: Blob
    spool: Spool
    item_count: int
    duplicates: int
    golden_count: int
    skipped: list[dict[str, Any]]
    skipped_count: int
    groups: tuple[GroupSums, ...]


class ManifestReader:
    """Reads one manifest; a context manager that leaves no scratch files behind.

    Args:
        known_models: every slug of the catalog; others are refused.
        on_invalid: ``reject`` the whole, or ``skip`` the lines.
    """

    def __init__(
        self,
        store: Store,
        *,
        known_models: frozenset[str],
        on_invalid: OnInvalid = "reject",
    ) -> None:
        self._blob = store.new_blob()
        self._spool = Spool(store.scratch_dir())
        self._intake = Intake(
            known_models=known_models, on_invalid=on_invalid, spool=self._spool
        )
        self._blank_lines: list[int] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._spool.remove()
        self._blob.__exit__(kind, error, trace)

    def read(self, source: Iterable[bytes]) -> ReadManifest:
        """Read a file of lines from its chunks.

        Raises:
            InvalidManifest: with every line's problems, the first 100 listed.
        """
        for line in split_lines(self._tee(source)):
            self._take_line(line)
        return self._finish()

    def read_inline(self, items: Any) -> ReadManifest:
        """Read items from a request's body, and write them as a file of lines.

        Problems name an item by ``line`` (its place, from 1) and ``items[0].…``.

        Raises:
            InvalidManifest: with every item's problems, the first 100 listed.
        """
        if not isinstance(items, list):
            text = "Give a list of items."
            raise self._intake.stop(Problem("items", "wrong_type", text))
        if len(items) > INLINE_ITEMS_MAX:
            text = f"At most {INLINE_ITEMS_MAX:,} items are accepted here; send a file."
            raise self._intake.stop(Problem("items", "too_many_items", text))
        self._take_inline(items)
        return self._finish()

    def read_made(self, made: Iterable[Made]) -> ReadManifest:
        """Read items that were made of something else, and write them as lines.

        Problems name the line that an item was made of.

        Raises:
            InvalidManifest: with every line's problems, the first 100 listed.
        """
        try:
            for line, item in made:
                if isinstance(item, Problem):
                    self._intake.refuse(item, line=line)
                else:
                    self._take_value(item, line=line)
                    self._check_size()
        except SourceBroken as error:
            raise self._intake.stop(error.problem, line=error.line) from error
        return self._finish()

    def _take_inline(self, items: Sequence[Any]) -> None:
        for index, item in enumerate(items):
            self._take_value(item, line=index + 1, path=f"items[{index}]")

    def _take_value(self, item: Any, *, line: int, path: str = "") -> None:
        try:
            data = orjson.dumps(item)
        except TypeError:
            problem = Problem("", "json_syntax", "This cannot be written as JSON.")
            self._intake.refuse(problem, line=line, path=path)
            return
        if len(data) > LINE_BYTES_MAX:
            self._intake.refuse(_TOO_LONG, line=line, path=path)
            return
        offset = self._blob.size_bytes
        self._blob.write(data + b"\n")
        self._intake.take(item, line=line, offset=offset, length=len(data), path=path)

    def _tee(self, source: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in source:
            self._blob.write(chunk)
            self._check_size()
            yield chunk

    def _check_size(self) -> None:
        if self._blob.size_bytes > FILE_BYTES_MAX:
            text = "A file may have 200 MiB at most; split it."
            raise self._intake.stop(Problem("", "file_too_large", text))

    def _take_line(self, line: Line) -> None:
        number, offset, data = line
        if data is None:
            self._refuse_line(number, _TOO_LONG)
            return
        if not data or (data[0] <= 32 and not data.strip()):
            self._note_blank(number)
            return
        if number == 1 and data[:2] in _NOT_TEXT:
            raise self._intake.stop(Problem("", "not_utf8", _NOT_TEXT[data[:2]]))
        try:
            item = strict_json.loads(data)
        except strict_json.StrictJsonError as error:
            self._refuse_line(number, Problem("", error.code, error.message))
            return
        self._refuse_blanks()
        self._intake.take(item, line=number, offset=offset, length=len(data))

    def _refuse_line(self, number: int, problem: Problem) -> None:
        self._refuse_blanks()
        self._intake.refuse(problem, line=number)

    def _note_blank(self, number: int) -> None:
        self._blank_lines.append(number)
        if len(self._blank_lines) > _BLANKS_MAX:
            text = f"More than {_BLANKS_MAX:,} blank lines follow each other."
            raise self._intake.stop(Problem("", "blank_line", text))

    def _refuse_blanks(self) -> None:
        for number in self._blank_lines:
            self._intake.refuse(_BLANK, line=number)
        self._blank_lines.clear()

    def _finish(self) -> ReadManifest:
        self._intake.finish()
        self._spool.close()
        return ReadManifest(
            blob=self._blob.keep(),
            spool=self._spool,
            item_count=self._spool.row_count,
            duplicates=self._intake.duplicates,
            golden_count=self._intake.golden_count,
            skipped=self._intake.skipped.errors,
            skipped_count=self._intake.skipped.count,
            groups=self._intake.groups.all(),
        )
