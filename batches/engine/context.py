"""What running a batch's units needs, loaded once per worker and batch."""

import os
from collections import OrderedDict
from typing import Any

import orjson
from django.db import connection

from batches import decisions
from batches.decisions import Decision
from batches.engine.rows import IndexedItem
from batches.models import Batch
from batches.store import store
from batchrouter.kit.errors import BatchRouterError

_KEPT = 64


class InputUnreadable(BatchRouterError):
    """The stored input file is not what was checked."""

    code = "input_unreadable"


class BatchContext:
    """A batch's decisions and an open handle on its input file."""

    def __init__(self, batch: Batch) -> None:
        self.pk = batch.pk
        self.public_id = batch.public_id
        self.org_id = batch.org_id
        self.manifest_id = batch.manifest_id
        self.deadline_at = batch.deadline_at
        self._decisions = {
            decision.group_no: decision
            for decision in map(decisions.from_json, batch.quote.decisions)
        }
        self._fd = os.open(
            store().path(batch.manifest.file.storage_key), os.O_RDONLY | os.O_CLOEXEC
        )

    def decision(self, group_no: int) -> Decision:
        """Return what was decided for a group."""
        return self._decisions[group_no]

    def output_cap(self, group_no: int, item: IndexedItem) -> int:
        """Return the cap that is sent for an item, 0 for embeddings."""
        decision = self._decisions[group_no]
        if decision.operation == "embeddings":
            return 0
        return item.max_output_tokens or decision.terms.default_cap

    def read_item(self, item: IndexedItem) -> dict[str, Any]:
        """Read one line of the input file, with ``input`` as an object.

        Raises:
            InputUnreadable: the bytes are gone or are not the item.
        """
        data = os.pread(self._fd, item.length, item.offset)
        try:
            line = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise InputUnreadable(f"item {item.seq}: {len(data)} bytes") from error
        if isinstance(line["input"], str):
            line["input"] = {"input": line["input"]}
        loaded: dict[str, Any] = line
        return loaded

    def close(self) -> None:
        """Let the input file go."""
        os.close(self._fd)


class Contexts:
    """The contexts that a worker used last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, BatchContext] = OrderedDict()

    def of(self, batch_id: int) -> BatchContext:
        """Return a batch's context, loading it once."""
        context = self._kept.get(batch_id)
        if context is None:
            batch = Batch.objects.select_related("quote", "manifest__file").get(
                pk=batch_id
            )
            context = self._kept[batch_id] = BatchContext(batch)
            while len(self._kept) > _KEPT:
                _, oldest = self._kept.popitem(last=False)
                oldest.close()
        self._kept.move_to_end(batch_id)
        return context

    def close(self) -> None:
        """Let every file go."""
        for context in self._kept.values():
            context.close()
        self._kept.clear()


_OPEN_ITEMS = """
SELECT i.seq, i.customer_item_id, i."offset", i.length, i.input_tokens,
       i.max_output_tokens
  FROM batches_item i
 WHERE i.manifest_id = %s AND i.group_no = %s AND i.seq BETWEEN %s AND %s
   AND NOT EXISTS (SELECT 1 FROM batches_resultrow r
                    WHERE r.batch_id = %s AND r.seq = i.seq)
 ORDER BY i.seq
"""


def open_items(
    *, batch_id: int, manifest_id: int, group_no: int, seq_from: int, seq_to: int
) -> list[IndexedItem]:
    """Return the items of a unit that have no row yet, in order."""
    with connection.cursor() as cursor:
        cursor.execute(_OPEN_ITEMS, [manifest_id, group_no, seq_from, seq_to, batch_id])
        return [IndexedItem(*row) for row in cursor.fetchall()]
