"""Who may take bytes out of the store: nobody while anything names them.

Bytes are named by their hash, so equal files of any customer share them. A writer
claims a key before the bytes get their place, and gives the claim up in the transaction
that makes the file which names them. Whoever removes bytes locks the key, looks for
files and claims, and deletes while it holds the lock. A claim waits for that lock, so
it is either seen, or made after the bytes are gone and before they are written again.
"""

from datetime import datetime

from django.db import connection, transaction

from batches.models import BlobClaim, StoredFile
from batches.models.file import FilePurpose
from batchrouter.kit import clock
from batchrouter.kit.storage import Blob, Store

# Of PostgreSQL's advisory locks, the part of the key space that is ours for blobs.
_LOCK_CLASS = 0x626C6F62 % (1 << 31)


def claim_blob(key: str) -> None:
    """Announce bytes that a file will name; see the module."""
    with transaction.atomic():
        _lock(key, shared=True)
        BlobClaim.objects.create(storage_key=key, created_at=clock.now())


@transaction.atomic
def name_blob(
    blob: Blob,
    *,
    org_id: int,
    purpose: FilePurpose,
    filename: str,
    line_count: int,
    now: datetime,
) -> StoredFile:
    """Make the file that names a blob, and give up one claim of its key.

    Any claim will do: there are as many as writers that have not come so far.
    """
    file = StoredFile.objects.create(
        org_id=org_id,
        purpose=purpose,
        filename=filename,
        sha256=blob.sha256,
        size_bytes=blob.size_bytes,
        storage_key=blob.key,
        line_count=line_count,
        created_at=now,
    )
    claim = (
        BlobClaim.objects.filter(storage_key=blob.key)
        .select_for_update(skip_locked=True)
        .first()
    )
    if claim is not None:
        claim.delete()
    return file


@transaction.atomic
def remove_unnamed(key: str, store: Store) -> bool:
    """Delete a blob that nothing names; False where something does.

    Claims are looked for first: a writer turns its claim into a file in one step, so
    one that has no claim any more has its file by the second look. The other way
    round, a step between the two looks would hide both.
    """
    _lock(key, shared=False)
    if BlobClaim.objects.filter(storage_key=key).exists():
        return False
    if StoredFile.objects.filter(storage_key=key, deleted_at=None).exists():
        return False
    store.remove(key)
    return True


def _lock(key: str, *, shared: bool) -> None:
    """Lock a key until the transaction ends; keys that share a lock only wait."""
    function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, hashtext(%s))", [_LOCK_CLASS, key])
