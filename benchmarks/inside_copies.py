"""``python -m benchmarks.inside_copies FILE``: duplicates and progress, in process.

The items are canceled instead of answered, so that what is measured is ours:
reading, quoting, cutting, copying rows, and telling how far the batch is. Prints one
line of JSON. Needs the product's environment (DATABASE_URL, VAR_DIR).
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import django

from batchrouter.kit import clock
from benchmarks import machine

_READS = 200
Found = TypeVar("Found")


def main() -> None:
    """Take the file through a batch that collapses duplicates."""
    django.setup()
    sys.stdout.write(json.dumps(_measured(Path(sys.argv[1]))) + "\n")


def _measured(path: Path) -> dict[str, Any]:
    # Models can be imported only once Django is set up.
    from accounts.models import Org  # noqa: PLC0415
    from batches.engine.copying import copy_rows  # noqa: PLC0415
    from batches.engine.recovery import close_idle_units  # noqa: PLC0415
    from batches.manifest import tokens  # noqa: PLC0415
    from batches.models import Batch, ResultRow, WorkUnit  # noqa: PLC0415
    from batches.progress import progress_json  # noqa: PLC0415
    from batches.selectors import batch_of, standing_of  # noqa: PLC0415
    from batches.services.creation import Order, create_batch  # noqa: PLC0415
    from batches.services.dispatch import dispatch_batch  # noqa: PLC0415
    from batches.services.manifests import upload_manifest  # noqa: PLC0415

    org = Org.objects.get()
    tokens.count("The vocabulary is loaded once in a process.")
    memory = machine.Memory({"self": [os.getpid()]})
    upload, file = _timed(
        lambda: upload_manifest(
            [path.read_bytes()],
            org=org,
            filename="copies.ndjson",
            on_invalid="reject",
            now=clock.now(),
        )
    )
    upload_growth = memory.over_idle()["self"]
    body = {"input_file_id": file.public_id, "dedupe": True}
    order = Order(org=org, key=None, is_test=False)
    create, batch = _timed(lambda: create_batch(order, body, now=clock.now()))
    dispatch_batch(batch.pk, now=clock.now())
    Batch.objects.filter(pk=batch.pk).update(cancel_requested_at=clock.now())
    close_idle_units(batch, with_jobs=False)
    memory = machine.Memory({"self": [os.getpid()]})
    copying, _ = _timed(lambda: copy_rows(batch.pk))
    batch = batch_of(org, batch.public_id)
    reads = [
        _timed(lambda: progress_json(batch, standing_of(batch), now=clock.now()))[0]
        for _ in range(_READS)
    ]
    return {
        "items": batch.item_count,
        "rows": ResultRow.objects.filter(batch_id=batch.pk).count(),
        "copies": batch.manifest.duplicates,
        "units": WorkUnit.objects.filter(batch=batch).count(),
        "upload_seconds": upload,
        "upload_over_idle_bytes": upload_growth,
        "create_seconds": create,
        "copying_seconds": copying,
        "copying_over_idle_bytes": memory.over_idle()["self"],
        "progress_seconds": statistics.median(reads),
        "progress_worst_seconds": max(reads),
    }


def _timed(call: Callable[[], Found]) -> tuple[float, Found]:
    began = time.monotonic()
    found = call()
    return time.monotonic() - began, found


if __name__ == "__main__":
    main()
