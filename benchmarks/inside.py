"""``python -m benchmarks.inside FILE``: the upload without HTTP, in this process.

Prints one line of JSON. Needs the product's environment (DATABASE_URL, VAR_DIR).
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import django

from batchrouter.kit import clock
from benchmarks import machine

_CHUNK_BYTES = 1 << 18


def main() -> None:
    """Upload the file for the first organization and tell what it took."""
    django.setup()
    _upload(Path(sys.argv[1]))


def _upload(path: Path) -> None:
    # Models can be imported only once Django is set up.
    from accounts.models import Org  # noqa: PLC0415
    from batches.manifest import tokens  # noqa: PLC0415
    from batches.services.manifests import upload_manifest  # noqa: PLC0415

    org = Org.objects.get()
    tokens.count("The vocabulary is loaded once in a process.")
    memory = machine.Memory({"self": [os.getpid()]})
    cpu, began = time.process_time(), time.monotonic()
    file = upload_manifest(
        _chunks(path),
        org=org,
        filename="inside.ndjson",
        on_invalid="reject",
        now=clock.now(),
    )
    told = {
        "items": file.line_count,
        "wall_seconds": time.monotonic() - began,
        "cpu_seconds": time.process_time() - cpu,
        "over_idle_bytes": memory.over_idle()["self"],
    }
    sys.stdout.write(json.dumps(told) + "\n")


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as source:
        while chunk := source.read(_CHUNK_BYTES):
            yield chunk


if __name__ == "__main__":
    main()
