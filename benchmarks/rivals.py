"""Run the clients that the product is compared with, in a venv of their own."""

import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks import checks, items, places
from benchmarks.machine import Meter
from benchmarks.mock import Mock
from devtools import processes
from devtools.say import say

_REQUIREMENTS = Path(__file__).with_name("requirements.txt")
_PYTHON = places.VENV / "bin" / "python"
_INSTALLED = places.VENV / "installed.sha256"


@dataclass(frozen=True)
class Sent:
    """What one run of a client took, by its own account.

    Attributes:
        over_idle_bytes: the peak of its memory over what it held before the first item.
        others_share: of all cores, taken by processes that are not ours.
        faults: what is wrong with its results.
    """

    items: int
    wall_seconds: float
    cpu_seconds: float
    over_idle_bytes: int
    others_share: float
    faults: list[str]


def install() -> None:
    """Make the venv; does nothing while the pinned versions are those installed."""
    wanted = hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()
    if _INSTALLED.exists() and _INSTALLED.read_text() == wanted:
        return
    say("Installing the clients to compare with (a minute or two) ...")
    processes.run([sys.executable, "-m", "venv", str(places.VENV)], what="venv")
    pip = [str(_PYTHON), "-m", "pip", "install", "--quiet", "-r", str(_REQUIREMENTS)]
    processes.run(pip, what="pip install")
    _INSTALLED.write_text(wanted)


def send(
    client: str, source: Path, count: int, mock: Mock, *, latency_ms: int, window: int
) -> Sent:
    """Let a client send a file of items, and check its results."""
    mock.reset(latency_ms=latency_ms)
    places.OUTPUT.mkdir(parents=True, exist_ok=True)
    output = places.OUTPUT / f"{client}.jsonl"
    command = [str(_PYTHON), "-m", "benchmarks.clients", client, str(source)]
    command += [str(output), mock.chat_url, "--in-flight", str(window)]
    meter = Meter({})
    told = json.loads(processes.run(command, cwd=places.ROOT, what=client))
    spent = meter.read()
    wanted = items.keys(count, "i")
    faults = checks.file_faults(output, wanted, checks.openai_rows)
    posts = mock.posts() - int(told.pop("warm_calls"))
    if posts != count:
        faults.append(f"{posts} requests for {count} items")
    return Sent(**told, others_share=spent.others_share, faults=faults)
