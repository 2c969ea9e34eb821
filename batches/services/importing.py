"""Imports of past jobs: taken in by a request, read by a job, a chunk at a time.

A chunk is one transaction: keys that make it count once, sums, and how far the file was
read. So a worker may die anywhere, and the next goes on behind the last whole chunk.
"""

import time as clocks
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction

from accounts.models import Org
from batches.blobs import name_blob, remove_unnamed
from batches.imports import kinds, reading
from batches.imports.kinds import Kind, Sniffed
from batches.imports.reading import ReadLine
from batches.imports.records import Use
from batches.manifest.problems import Problem
from batches.manifest.storing import plain_filename
from batches.models import Import, ImportedKey, StoredFile
from batches.models.file import FilePurpose
from batches.selectors import file_of
from batches.services import import_facts
from batches.services.import_facts import FactReader
from batches.states import IMPORT_OPEN, ImportState
from batches.store import store
from batchrouter.kit import stopping
from batchrouter.kit.errors import Conflict, InvalidRequest, NotFound
from batchrouter.kit.jobs import Job, enqueue_on_commit, ring
from batchrouter.kit.strict_json import StrictJsonError

PROVIDERS: Final = ("openai", "anthropic")
CHUNK_LINES: Final = 1000
LEASE_SECONDS: Final = 60
LOST_LEASES_MAX: Final = 3
WINDOW_MAX: Final = timedelta(days=1100)


class WrongImportFile(InvalidRequest):
    """The file is of another kind; ``details`` says what it looks like."""

    code = "import_file_wrong_kind"


class ImportExists(Conflict):
    """The same file was imported before, with another window."""

    code = "import_exists"


class ImportRuns(Conflict):
    """The import is being read."""

    code = "import_running"


@dataclass(frozen=True, slots=True)
class Window:
    """The days, both included, that a customer wants of a file."""

    first: date
    last: date


# The request's side


def keep_file(
    chunks: Iterable[bytes], *, org: Org, filename: str, now: datetime
) -> StoredFile:
    """Keep a file of past jobs until it is imported; nothing in it is checked yet."""
    with store().new_blob() as out:
        for chunk in chunks:
            out.write(chunk)
        blob = out.keep()
    return name_blob(
        blob,
        org_id=org.pk,
        purpose=FilePurpose.IMPORT,
        filename=plain_filename(filename),
        line_count=0,
        now=now,
    )


def read_window(value: Any, *, now: datetime) -> Window | None:
    """Read ``{"from": "2026-10-01", "to": "2026-10-31"}``.

    Raises:
        InvalidRequest: it is no window of past days.
    """
    if value is None:
        return None
    if not isinstance(value, Mapping) or set(value) != {"from", "to"}:
        raise InvalidRequest(
            'window is {"from": "2026-10-01", "to": "2026-10-31"}.', param="window"
        )
    window = Window(_day(value["from"], "from"), _day(value["to"], "to"))
    if not window.first <= window.last <= now.date():
        raise InvalidRequest(
            "window.from is not after window.to, and window.to is not in the future.",
            param="window",
        )
    if window.last - window.first > WINDOW_MAX:
        raise InvalidRequest(
            f"window has at most {WINDOW_MAX.days} days.", param="window"
        )
    return window


def _day(value: Any, name: str) -> date:
    try:
        if isinstance(value, str) and len(value) == len("2026-10-01"):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise InvalidRequest(
        f"window.{name} is a day such as 2026-10-31.", param=f"window.{name}"
    )


def create_import(
    org: Org, *, provider: str, file_id: str, window: Window | None, now: datetime
) -> tuple[Import, bool]:
    """Take a file of past jobs in; return its import and whether it is new.

    The same content is the same import, however often and under whatever name it
    comes; one that failed is read again.

    Raises:
        WrongImportFile: the file is not of a kind that the provider makes.
        ImportExists: the same content was imported with another window.
        InvalidRequest: there is no such file.
    """
    known = Import.objects.filter(
        org=org, provider=provider, file__public_id=file_id
    ).first()
    if known is not None:
        return _again(known, known.file, window, now=now), False
    file = _file(org, file_id)
    found = Import.objects.filter(
        org=org, provider=provider, sha256=file.sha256
    ).first()
    if found is not None:
        return _again(found, file, window, now=now), False
    sniffed = sniff_file(file)
    kind = _kind(sniffed, provider)
    return _create(org, provider, file, kind, sniffed, window, now=now)


def _file(org: Org, public_id: str) -> StoredFile:
    try:
        return file_of(org, public_id)
    except NotFound as error:
        raise InvalidRequest(
            "There is no such file; upload it to /v1/files with purpose import first.",
            param="file_id",
        ) from error


def sniff_file(file: StoredFile) -> Sniffed:
    """Say what a stored file looks like."""
    path = store().path(file.storage_key)

    def whole() -> bytes | None:
        if file.size_bytes > kinds.DOCUMENT_BYTES_MAX:
            return None
        return path.read_bytes()

    with path.open("rb") as source:
        return kinds.sniff(source.read(kinds.HEAD_BYTES), whole)


def provider_of(file: StoredFile) -> str:
    """Say whose past jobs a stored file holds.

    Raises:
        WrongImportFile: it is not of a kind that any provider makes.
    """
    sniffed = sniff_file(file)
    return kinds.PROVIDER_OF[_kind(sniffed, None)]


def _kind(sniffed: Sniffed, provider: str | None) -> Kind:
    """Return the kind that a file is; with a provider it must be one of its kinds."""
    kind, title = sniffed.kind, kinds.TITLES[sniffed.looks_like]
    if kind is not None and provider in {None, kinds.PROVIDER_OF[kind]}:
        return kind
    expected = [
        str(each) for each in Kind if provider in {None, kinds.PROVIDER_OF[each]}
    ]
    mend = f"Import one of: {', '.join(kinds.TITLES[each] for each in expected)}."
    if kind is not None:
        mend = f"Import it with provider {kinds.PROVIDER_OF[kind]}."
    raise WrongImportFile(
        f"The file looks like {title}. {mend}",
        param="file_id",
        details={"looks_like": sniffed.looks_like, "expected": expected},
    )


@transaction.atomic
def _create(
    org: Org,
    provider: str,
    file: StoredFile,
    kind: Kind,
    sniffed: Sniffed,
    window: Window | None,
    *,
    now: datetime,
) -> tuple[Import, bool]:
    made, is_new = Import.objects.get_or_create(
        org=org,
        provider=provider,
        sha256=file.sha256,
        defaults={
            "state": ImportState.QUEUED,
            "state_at": now,
            "kind": kind,
            "is_document": sniffed.is_document,
            "file": file,
            "size_bytes": file.size_bytes,
            "window_from": window.first if window else None,
            "window_to": window.last if window else None,
            "created_at": now,
        },
    )
    if not is_new:
        return _again(made, file, window, now=now), False
    enqueue_on_commit(Job.RUN_IMPORTS)
    return made, True


@transaction.atomic
def _again(
    row: Import, file: StoredFile, window: Window | None, *, now: datetime
) -> Import:
    asked = (window.first, window.last) if window else (None, None)
    if asked != (row.window_from, row.window_to):
        raise ImportExists(
            f"{row.public_id} holds the same content with another window; delete it "
            "first.",
            details={"import_id": row.public_id},
        )
    if row.state == ImportState.FAILED and file.deleted_at is None:
        row.advance(ImportState.QUEUED, at=now)
        Import.objects.filter(pk=row.pk).update(
            file=file, failure_code="", lost_leases=0, completed_at=None
        )
        enqueue_on_commit(Job.RUN_IMPORTS)
        row.refresh_from_db()
    elif row.file_id != file.pk:
        let_go(file, now=now)
    return row


@transaction.atomic
def delete_import(row: Import) -> None:
    """Forget an import and all that was counted by it.

    Raises:
        ImportRuns: it is still being read.
    """
    locked = Import.objects.select_for_update().get(pk=row.pk)
    if locked.state in IMPORT_OPEN:
        raise ImportRuns("The import is still being read; delete it when it ended.")
    ImportedKey.objects.filter(imported=locked).delete()
    locked.delete()


# The job's side

_DUE = f"""
 WHERE state = '{ImportState.QUEUED}'
    OR (state = '{ImportState.RUNNING}'
        AND (lease_until IS NULL OR lease_until <= clock_timestamp()))
"""
_ANY_DUE = f"SELECT EXISTS (SELECT 1 FROM batches_import {_DUE})"  # noqa: S608 # ours
# house: allow state-by-advance because one statement picks, moves and leases
_CLAIM = f"""
UPDATE batches_import i
   SET state = '{ImportState.RUNNING}', lease_token = %s,
       state_at = CASE state WHEN '{ImportState.QUEUED}' THEN %s ELSE state_at END,
       lost_leases = lost_leases + (lease_token IS NOT NULL)::int,
       lease_until = clock_timestamp() + make_interval(secs => {LEASE_SECONDS})
  FROM (SELECT id FROM batches_import {_DUE} ORDER BY id LIMIT 1
           FOR UPDATE SKIP LOCKED) due
 WHERE i.id = due.id RETURNING i.id
"""  # noqa: S608 # constants of ours only


def any_due() -> bool:
    """Tell whether a file waits to be read."""
    with connection.cursor() as cursor:
        cursor.execute(_ANY_DUE)
        (found,) = cursor.fetchone()
    return bool(found)


def run_imports(*, budget_seconds: float, now: datetime) -> None:
    """Read due files, one after another, until the time is used up.

    Args:
        budget_seconds: then the rest is left to the next message.
        now: nothing in a file can have happened later; files end at this instant.
    """
    end = clocks.monotonic() + budget_seconds
    while (row := _claim(now=now)) is not None:
        _run(row, end, now=now)
        if clocks.monotonic() >= end or stopping.is_stopping():
            if any_due():
                ring(Job.RUN_IMPORTS)
            return


def _claim(*, now: datetime) -> Import | None:
    token = uuid.uuid4()
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [token, now])
        found = cursor.fetchone()
    return None if found is None else Import.objects.get(pk=found[0])


def _run(row: Import, end: float, *, now: datetime) -> None:
    if row.lost_leases > LOST_LEASES_MAX:
        _fail(row, "worker_lost", now=now)
        return
    facts = FactReader(row)
    try:
        lines = _lines(row, now=now)
        for chunk in _chunks(lines):
            if not _take(row, facts, chunk):
                return
            if clocks.monotonic() >= end or stopping.is_stopping():
                _release(row)
                return
    except (OSError, StrictJsonError):
        _fail(row, "file_unreadable", now=now)
        return
    _complete(row, now=now)


def _lines(row: Import, *, now: datetime) -> Iterator[ReadLine]:
    """Yield the lines that no committed chunk has read."""
    kind, done = Kind(row.kind), row.lines_read
    if row.is_document:
        data = store().path(row.file.storage_key).read_bytes()
        found = reading.read_document(kind, data, now=now)
        return (line for line in found if line.number > done)
    chunks = store().read_chunks(row.file.storage_key)
    return reading.read_lines(kind, chunks, now=now, after=done)


def _chunks(lines: Iterator[ReadLine]) -> Iterator[list[ReadLine]]:
    """Yield lines in chunks that end with a whole line, however much it gives."""
    chunk: list[ReadLine] = []
    for line in lines:
        if len(chunk) >= CHUNK_LINES and line.number != chunk[-1].number:
            yield chunk
            chunk = []
        chunk.append(line)
    if chunk:
        yield chunk


@transaction.atomic
def _take(row: Import, facts: FactReader, lines: list[ReadLine]) -> bool:
    """Count a chunk of lines; False where the lease is somebody else's now."""
    held = Import.objects.select_for_update().filter(
        pk=row.pk, lease_token=row.lease_token, state=ImportState.RUNNING
    )
    if not held.exists():
        return False
    wanted, counts = _sorted_out(row, facts, lines)
    new = import_facts.first_uses(row, wanted)
    counts["duplicates"] = len(wanted) - len(new)
    import_facts.add_counts(row, counts)
    import_facts.fold(row, facts.sum_up(new))
    row.lines_read = lines[-1].number
    row.bytes_read = max(lines[-1].offset, row.bytes_read)
    row.lost_leases = 0
    row.save(
        update_fields=[
            "counts",
            "unpriced_models",
            "errors",
            "error_count",
            "lines_read",
            "bytes_read",
            "lost_leases",
        ]
    )
    _extend(row)
    return True


def _sorted_out(
    row: Import, facts: FactReader, lines: list[ReadLine]
) -> tuple[list[Use], Counter[str]]:
    """Note problems on the row; return what is wanted of the rest."""
    wanted: list[Use] = []
    counts: Counter[str] = Counter()
    for line in lines:
        found = line.reading
        if isinstance(found, Problem):
            import_facts.note_problem(row, line, found)
        elif found is not None and not facts.in_window(found):
            counts["outside_window"] += 1
        elif found is not None:
            if found.problem is not None:
                import_facts.note_problem(row, line, found.problem)
            wanted.append(found)
    return wanted, counts


def _extend(row: Import) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE batches_import SET lease_until = clock_timestamp() + "
            "make_interval(secs => %s) WHERE id = %s",
            [LEASE_SECONDS, row.pk],
        )


def _release(row: Import) -> None:
    """Let another worker go on."""
    Import.objects.filter(pk=row.pk, lease_token=row.lease_token).update(
        lease_token=None, lease_until=None
    )


@transaction.atomic
def _complete(row: Import, *, now: datetime) -> None:
    locked = _held(row)
    if locked is None:
        return
    locked.advance(ImportState.COMPLETED, at=now)
    Import.objects.filter(pk=row.pk).update(
        lease_token=None,
        lease_until=None,
        completed_at=now,
        bytes_read=locked.size_bytes,
    )
    let_go(locked.file, now=now)


@transaction.atomic
def _fail(row: Import, code: str, *, now: datetime) -> None:
    locked = _held(row)
    if locked is None:
        return
    locked.advance(ImportState.FAILED, at=now)
    Import.objects.filter(pk=row.pk).update(
        lease_token=None, lease_until=None, completed_at=now, failure_code=code
    )


def _held(row: Import) -> Import | None:
    return (
        Import.objects.select_for_update(of=["self"])
        .select_related("file")
        .filter(pk=row.pk, lease_token=row.lease_token, state=ImportState.RUNNING)
        .first()
    )


def let_go(file: StoredFile, *, now: datetime) -> None:
    """Forget a file of past jobs, and its bytes where nothing else names them."""
    if file.purpose == FilePurpose.IMPORT:
        key = file.storage_key
        StoredFile.objects.filter(pk=file.pk).update(deleted_at=now, storage_key="")
        transaction.on_commit(lambda: remove_unnamed(key, store()))
