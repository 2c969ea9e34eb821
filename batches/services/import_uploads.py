"""Files of past jobs that come with the wish to import them, or without."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import connection, transaction

from accounts.models import Org
from batches.models import Import, StoredFile
from batches.models.file import FilePurpose
from batches.services.importing import (
    Window,
    create_import,
    keep_file,
    let_go,
    provider_of,
)
from batches.states import IMPORT_OPEN
from batchrouter.kit.errors import BatchRouterError

# Files that one run of the sweep lets go; the next run goes on.
_SWEPT: Final = 500


def import_upload(
    chunks: Iterable[bytes],
    *,
    org: Org,
    filename: str,
    provider: str | None,
    window: Window | None,
    now: datetime,
) -> tuple[Import, bool]:
    """Take an upload in at once; return its import and whether it is new.

    Args:
        chunks: its bytes; what is refused is not kept.
        org: whose.
        filename: as the customer calls it.
        provider: whose jobs they are; None finds out.
        window: the days that are wanted.
        now: the instant of the upload.

    Raises:
        WrongImportFile, ImportExists.
    """
    file = keep_file(chunks, org=org, filename=filename, now=now)
    try:
        return create_import(
            org,
            provider=provider or provider_of(file),
            file_id=file.public_id,
            window=window,
            now=now,
        )
    except BatchRouterError:
        let_go(file, now=now)
        raise


_UNREAD = """
SELECT f.id FROM batches_storedfile f JOIN accounts_org o ON o.id = f.org_id
 WHERE f.purpose = %(purpose)s AND f.deleted_at IS NULL
   AND f.created_at <= %(now)s - interval '1 day'
   AND f.created_at
       + make_interval(days => coalesce(o.retention_days::int, %(days)s)) <= %(now)s
   AND NOT EXISTS (SELECT 1 FROM batches_import i
                    WHERE i.file_id = f.id AND i.state = ANY(%(open)s))
 ORDER BY f.id LIMIT %(limit)s
"""


def forget_unread(*, now: datetime) -> int:
    """Let go of uploads that nobody imports, once their retention is over.

    A file that could not be read to its end is kept as long, so that its import can be
    tried again. Returns how many files went.
    """
    values: dict[str, Any] = {
        "purpose": FilePurpose.IMPORT,
        "now": now,
        "days": settings.RETENTION_DAYS,
        "open": [str(state) for state in IMPORT_OPEN],
        "limit": _SWEPT,
    }
    with transaction.atomic():
        with connection.cursor() as cursor:
            # An import that begins meanwhile names the file, and waits for this lock.
            cursor.execute(f"{_UNREAD} FOR UPDATE OF f SKIP LOCKED", values)
            found = [pk for (pk,) in cursor.fetchall()]
        for file in StoredFile.objects.filter(pk__in=found):
            let_go(file, now=now)
    return len(found)
