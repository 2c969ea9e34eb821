"""A batch and the batches that run its unfinished items again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from batches.models import Batch

_BELOW = """
WITH RECURSIVE family AS (
  SELECT id FROM batches_batch WHERE id = %s
  UNION ALL
  SELECT b.id FROM batches_batch b JOIN family f ON b.parent_id = f.id
) SELECT id FROM family ORDER BY id
"""
_MEMBERS = """
WITH RECURSIVE family AS (
  SELECT id FROM batches_batch WHERE id = %s
  UNION ALL
  SELECT b.id FROM batches_batch b JOIN family f ON b.parent_id = f.id
) SELECT b.id, b.public_id, p.public_id, b.state, b.item_count, b.created_at,
         b.completed_at IS NULL, b.content_deleted_at IS NULL, b.charged_nanousd
    FROM batches_batch b JOIN family f ON f.id = b.id
    LEFT JOIN batches_batch p ON p.id = b.parent_id
   ORDER BY b.id
"""
_ABOVE = """
WITH RECURSIVE line AS (
  SELECT id, parent_id FROM batches_batch WHERE id = %s
  UNION ALL
  SELECT b.id, b.parent_id FROM batches_batch b JOIN line l ON b.id = l.parent_id
) SELECT id FROM line WHERE parent_id IS NULL
"""


@dataclass(frozen=True, slots=True)
class Member:
    """A batch of a family.

    Attributes:
        parent_id: the public id of the batch whose items it runs again.
        is_open: it has not ended.
        has_content: its inputs and outputs were not deleted.
        charged_nanousd: None while it is open.
    """

    pk: int
    public_id: str
    parent_id: str | None
    state: str
    item_count: int
    created_at: datetime
    is_open: bool
    has_content: bool
    charged_nanousd: int | None


def members_below(batch_id: int) -> list[Member]:
    """Return a batch with its retries and theirs, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(_MEMBERS, [batch_id])
        return [Member(*row) for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class Attempts:
    """A batch that was retried, and its retries whose content is there.

    Attributes:
        public_ids: by number, the batch itself first, then as they were made.
        is_open: one of them has not ended.
    """

    public_ids: dict[int, str]
    is_open: bool


def attempts_among(family: Sequence[Member]) -> Attempts | None:
    """Return the attempts of a batch from its family, the batch itself first."""
    if len(family) == 1:
        return None
    readable = [member for member in family if member.has_content]
    return Attempts(
        {member.pk: member.public_id for member in readable},
        is_open=any(member.is_open for member in readable),
    )


def ids_below(batch_id: int) -> list[int]:
    """Return a batch with its retries and theirs, the oldest first."""
    return _ids(_BELOW, batch_id)


def root_of(batch_id: int) -> int:
    """Return the batch that is no retry and that this one stems from."""
    (root,) = _ids(_ABOVE, batch_id)
    return root


def locked_root(batch_id: int) -> Batch:
    """Lock the root of a batch's family: of two retries at once, one sees the other."""
    return Batch.objects.select_for_update(no_key=True).get(pk=root_of(batch_id))


def _ids(sql: str, batch_id: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, [batch_id])
        return [row[0] for row in cursor.fetchall()]


# Delivered before not delivered, then the later attempt.
LATEST = """
SELECT DISTINCT ON (seq) seq, status, error_code FROM batches_resultrow
 WHERE batch_id = ANY(%(family)s)
 ORDER BY seq, (status IN ('completed', 'review')) DESC, batch_id DESC
"""
_OVERLAP = """
SELECT b.public_id FROM batches_batch b
 WHERE b.id = ANY(%(family)s) AND EXISTS (
   SELECT 1 FROM batches_item mine
     JOIN batches_item theirs ON theirs.manifest_id = b.manifest_id
                             AND theirs.seq = mine.seq
     LEFT JOIN batches_resultrow r ON r.batch_id = b.id AND r.seq = mine.seq
    WHERE mine.manifest_id = %(manifest)s
      AND (r.seq IS NULL AND b.completed_at IS NULL
           OR r.status IN ('completed', 'review')))
 ORDER BY b.id LIMIT 1
"""


def overlapping(manifest_id: int, family: Sequence[int]) -> str | None:
    """Name a batch of a family that runs or delivered an item of a manifest."""
    with connection.cursor() as cursor:
        cursor.execute(_OVERLAP, {"family": list(family), "manifest": manifest_id})
        row = cursor.fetchone()
    return None if row is None else str(row[0])
