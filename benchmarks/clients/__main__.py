"""``python -m benchmarks.clients NAME SOURCE OUTPUT URL``: send every item once.

Prints one line of JSON: items, wall and processor time, memory over idle. Imports,
start and a first call to be warm are not counted.
"""

import argparse
import importlib
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, BinaryIO

from benchmarks.clients import asynchronous
from benchmarks.clients.libcurl import run_libcurl
from benchmarks.clients.metering import Job

_ASYNCHRONOUS: dict[str, Callable[[Job, BinaryIO], Coroutine[Any, Any, None]]] = {
    "aiohttp": asynchronous.run_aiohttp,
    "openai": asynchronous.run_openai,
    "litellm": asynchronous.run_litellm,
}


def main() -> None:
    """Run one client."""
    options = _options()
    job = Job(options.source, options.url, options.in_flight)
    uvloop = importlib.import_module("uvloop")
    if options.client == "litellm":
        importlib.import_module("litellm")  # takes seconds, none of them counted
    with options.output.open("wb", buffering=1 << 20) as out:
        run = _ASYNCHRONOUS.get(options.client)
        if run is None:
            run_libcurl(job, out)
        else:
            uvloop.run(run(job, out))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.clients", description=__doc__)
    parser.add_argument("client", choices=[*_ASYNCHRONOUS, "libcurl"])
    parser.add_argument("source", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("url")
    parser.add_argument("--in-flight", type=int, default=256)
    return parser.parse_args()


if __name__ == "__main__":
    main()
