"""R19: what the ledger said last night, it still says.

Every night a digest over the ordered entries is written to a file outside the database.
Later proofs compute it anew up to the same instant: a row that was changed, removed or
slipped in since then changes it, whoever turned which trigger off.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from batchrouter.kit.clock import iso

# A transaction is stamped when it begins: by then it has committed or never will.
SETTLE_TIME = timedelta(hours=1)
_FOLDER = "ledger-digests"
_ROWS_AT_A_TIME = 5000

_ENTRIES = """
SELECT t.id, t.public_id, t.kind, t.key, t.org_id, t.purpose, t.reason, t.actor,
       extract(epoch FROM t.created_at)::text, p.id, a.code, a.org_id,
       p.amount_nanousd, p.account_version, p.balance_after_nanousd
FROM billing_ledgertransaction t
JOIN billing_posting p ON p.transaction_id = t.id
JOIN billing_ledgeraccount a ON a.id = p.account_id
WHERE t.created_at < %s
ORDER BY t.id, p.id
"""


@dataclass(frozen=True)
class Digest:
    """A fingerprint of all entries before an instant."""

    before: str
    entries: int
    sha256: str


def folder() -> Path:
    """Return where this database's digests are kept.

    Another database has other entries: its name is the server's identity and its own.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT oid FROM pg_database WHERE datname = current_database()), "
            "(SELECT system_identifier FROM pg_control_system())"
        )
        database, server = cursor.fetchone()
    return Path(settings.ARTIFACTS_DIR).joinpath(_FOLDER, f"{server}-{database}")


def write_digest(*, now: datetime) -> Path:
    """Write the digest of everything that is an hour old; return its file."""
    found = digest_before(now - SETTLE_TIME)
    path = folder().joinpath(f"{found.before.replace(':', '')}.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    unfinished.write_text(json.dumps(asdict(found)))
    unfinished.replace(path)
    return path


def digest_before(before: datetime) -> Digest:
    """Compute the digest of all entries stamped before an instant."""
    text = iso(before)
    running, count = hashlib.sha256(), 0
    for row in _entries(text):
        running.update(json.dumps(row, separators=(",", ":")).encode())
        running.update(b"\n")
        count += 1
    return Digest(text, count, running.hexdigest())


def prefix_unchanged(_now: datetime) -> Iterator[str]:
    """Yield what differs from the newest digest; nothing where none was written yet."""
    written = sorted(folder().glob("*.json"))
    if not written:
        return
    told = Digest(**json.loads(written[-1].read_text()))
    found = digest_before(datetime.fromisoformat(told.before))
    if found != told:
        yield (
            f"the {told.entries} entries before {told.before} had the digest "
            f"{told.sha256[:16]}…, now they are {found.entries} with "
            f"{found.sha256[:16]}…"
        )


def _entries(before: str) -> Iterator[tuple[object, ...]]:
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(_ENTRIES, [before])
        while rows := cursor.fetchmany(_ROWS_AT_A_TIME):
            yield from rows
