import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent

import pytest

from devtools import places, runner
from devtools.say import Trouble

# Stands in for bin/serve: runs a Procfile until told to stop.
RUN = """\
import sys
from pathlib import Path
from devtools import places, processes, runner
from devtools.say import Trouble

processes.Interrupts.listen()
env = places.base_environment()
try:
    commands = runner.read_procfile(Path(sys.argv[1]), env)
    with runner.running(commands, env=env, show_logs=True) as running:
        running.wait()
except KeyboardInterrupt:
    print("stopped")
except Trouble as trouble:
    print(trouble)
    sys.exit(1)
"""

# Like a Celery worker: the parent waits for a child that has a job in hand.
WORKER = """\
import os, signal, sys, time

if os.fork() == 0:
    time.sleep(float(sys.argv[1]))
    print("job done", flush=True)
    os._exit(0)
signal.signal(signal.SIGTERM, lambda *_: None)
print("ready", flush=True)
os.wait()
"""


class Run:
    """One runner in a process of its own."""

    def __init__(self, folder: Path, procfile: str) -> None:
        (folder / "run.py").write_text(RUN)
        (folder / "worker.py").write_text(WORKER)
        (folder / "Procfile").write_text(dedent(procfile))
        self.folder = folder
        self.child = subprocess.Popen(
            [sys.executable, str(folder / "run.py"), str(folder / "Procfile")],
            env={**os.environ, "VAR_DIR": str(folder), "PYTHONPATH": str(places.ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait_log(self, name: str, word: str) -> None:
        log = self.folder / "log" / f"{name}.log"
        give_up = time.monotonic() + 120
        while not (log.exists() and word in log.read_text()):
            assert time.monotonic() < give_up, f"{name} never said {word}"
            time.sleep(0.02)

    def end(self) -> tuple[int, str]:
        output, _ = self.child.communicate(timeout=30)
        return self.child.returncode, output

    def is_anybody_left(self) -> bool:
        mine = str(self.folder).encode()
        return any(
            mine in _command_line(entry) for entry in Path("/proc").glob("[0-9]*")
        )


def _command_line(entry: Path) -> bytes:
    try:
        return (entry / "cmdline").read_bytes()
    except OSError:
        return b""


def test_a_stop_lets_a_job_in_hand_finish(tmp_path: Path) -> None:
    run = Run(tmp_path, f"worker: python {tmp_path}/worker.py 1.5\n")
    run.wait_log("worker", "ready")
    run.child.send_signal(signal.SIGTERM)
    code, output = run.end()
    assert code == 0
    assert "worker | job done" in output
    assert not run.is_anybody_left()


def test_a_second_stop_kills_at_once_and_leaves_no_orphan(tmp_path: Path) -> None:
    run = Run(tmp_path, f"worker: python {tmp_path}/worker.py 60\n")
    run.wait_log("worker", "ready")
    run.child.send_signal(signal.SIGINT)
    time.sleep(0.3)
    run.child.send_signal(signal.SIGINT)
    code, output = run.end()
    assert code == 0
    assert "worker did not finish its work and is killed." in output
    assert not run.is_anybody_left()


def test_a_program_that_ends_early_is_named_with_its_last_words(tmp_path: Path) -> None:
    run = Run(
        tmp_path,
        f"""\
        steady: python {tmp_path}/worker.py 1
        broken: python -c "import sys; print('no such table'); sys.exit(3)"
        """,
    )
    code, output = run.end()
    assert code == 1
    assert "broken ended early, exit code 3" in output
    assert "no such table" in output
    assert not run.is_anybody_left()


def test_programs_stop_when_the_runner_is_killed(tmp_path: Path) -> None:
    run = Run(tmp_path, f"sleeper: sleep 300.{tmp_path.stat().st_ino}\n")
    name = f"300.{tmp_path.stat().st_ino}".encode()
    give_up = time.monotonic() + 120
    while not _is_running(name):
        assert time.monotonic() < give_up
        time.sleep(0.02)
    run.child.kill()
    run.end()
    while _is_running(name):
        assert time.monotonic() < give_up
        time.sleep(0.02)


def _is_running(word: bytes) -> bool:
    return any(word in _command_line(p) for p in Path("/proc").glob("[0-9]*"))


def test_a_variable_with_a_space_stays_one_word(tmp_path: Path) -> None:
    procfile = tmp_path / "Procfile"
    procfile.write_text("# comment: no\nsim: python -m sim --dir $VAR_DIR/sim\n")
    commands = runner.read_procfile(procfile, {"VAR_DIR": "/a b"})
    assert commands == {"sim": ["python", "-m", "sim", "--dir", "/a b/sim"]}


def test_a_variable_that_is_not_set_is_named(tmp_path: Path) -> None:
    procfile = tmp_path / "Procfile"
    procfile.write_text("web: serve $NOWHERE\n")
    with pytest.raises(Trouble, match="web needs the variable 'NOWHERE'"):
        runner.read_procfile(procfile, {})
