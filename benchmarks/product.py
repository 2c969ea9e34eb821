"""The product as it is deployed, on a database, a folder and ports of its own."""

import json
import os
import secrets
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import checks, database, items, places
from benchmarks.api import Api
from benchmarks.database import Database
from benchmarks.machine import Memory, Meter, Spent
from benchmarks.programs import Programs, programs
from devtools import ports, processes, redis, runner, stack
from devtools.ports import HOST
from devtools.say import Trouble, say

ALL = ("web", "worker", "direct", "beat")
# The Procfile's other programs; the benchmarks have providers of their own.
_STAND_INS = ("simulator", "stripe")
_CREDITS_USD = "1000000.00"
_WARM_UP_ITEMS = 300
# So many that each of two processes has had one, all but certainly.
_WARM_UPLOADS = 8
_WARM_BATCHES = 4
GIVE_UP_SECONDS = 600
_TELL_SECONDS = 30
TERMINAL = ("completed", "failed", "canceled")
_POLL_SECONDS = 0.01
# Ours alone: live keys never meet a benchmark, and settings are the defaults.
_SET_ASIDE = (
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "DATABASE_URL",
    "REDIS_URL",
    "ARTIFACTS_DIR",
    "DEBUG",
    "APP_ENV",
    "PORT",
    "PYTHONPROFILEIMPORTTIME",
)


@dataclass(frozen=True)
class BatchRun:
    """One batch from its creation to its end.

    Attributes:
        over_idle_bytes: the largest growth of a process, for each program.
        faults: what is wrong with its rows.
    """

    batch_id: str
    items: int
    spent: Spent
    over_idle_bytes: Mapping[str, int]
    faults: list[str]

    @property
    def our_cpu_seconds(self) -> float:
        """Processor time of the web server and the workers."""
        used = self.spent.cpu_seconds
        return sum(used[name] for name in used if name != "database")


@dataclass(frozen=True)
class Product:
    """The programs that run now, an organization with credits and its key."""

    env: Mapping[str, str]
    programs: Programs
    api: Api
    database: Database

    def meter(self) -> Meter:
        """Begin to measure every program and the database."""
        groups = {**self.programs.groups(), "database": list(self.database.roots)}
        return Meter(groups, ours=self.database.roots)

    def memory(self) -> Memory:
        """Take what every process of ours holds now for idle."""
        return Memory(self.programs.groups())

    def run(self, file_id: str, count: int) -> BatchRun:
        """Create a batch of an uploaded file and wait until it has ended."""
        memory, meter = self.memory(), self.meter()
        batch = self.api.post("/v1/batches", {"input_file_id": file_id})
        state = self.wait_ended(str(batch["id"]))
        spent = meter.read()
        return BatchRun(
            batch_id=str(batch["id"]),
            items=count,
            spent=spent,
            over_idle_bytes=memory.over_idle(),
            faults=[] if state == "completed" else [f"the batch {state}"],
        )

    def wait_ended(self, batch_id: str) -> str:
        """Return a batch's terminal state.

        Raises:
            Trouble: it does not end, or a program has.
        """
        began = told = time.monotonic()
        while (state := self.database.batch_state(batch_id)) not in TERMINAL:
            self.programs.ensure_alive()
            now = time.monotonic()
            if now > told + _TELL_SECONDS:
                told = now
                units = self.database.unit_states(batch_id)
                line = f"{batch_id} is {state} after {now - began:.0f} s, units {units}"
                if now > began + GIVE_UP_SECONDS:
                    raise Trouble(line)
                say(f"  {line}")
            time.sleep(_POLL_SECONDS)
        return state

    def row_faults(
        self, run: BatchRun, *, prefix: str = "i", echo: str = checks.ECHO
    ) -> list[str]:
        """Check a batch's output file, and the index of its rows, against its items."""
        batch = self.api.get(f"/v1/batches/{run.batch_id}")
        faults = list(run.faults)
        if batch["counts"]["completed"] != run.items:
            faults.append(f"the counts say {batch['counts']} of {run.items} items")
        if self.database.row_count(run.batch_id) != run.items:
            faults.append(f"the index does not hold {run.items} rows")
        if batch["output_file_id"] is None:
            return [*faults, "there is no output file"]
        places.OUTPUT.mkdir(parents=True, exist_ok=True)
        output = places.OUTPUT / "product.ndjson"
        self.api.download(str(batch["output_file_id"]), output)
        wanted = items.keys(run.items, prefix)
        return faults + checks.file_faults(output, wanted, checks.product_rows, echo)

    def warm_up(self, model: str) -> None:
        """Let every process do its first work, which is not measured."""
        path = items.write(
            places.ITEMS / "warm-up.ndjson",
            count=_WARM_UP_ITEMS,
            shape=items.product_shape(model),
            prefix="w",
        )
        file_ids = [str(self.api.upload(path)["id"]) for _ in range(_WARM_UPLOADS)]
        for file_id in file_ids:
            self.api.post("/v1/batches/quote", {"input_file_id": file_id})
        if "direct" in self.programs.groups():
            for file_id in file_ids[:_WARM_BATCHES]:
                self.run(file_id, _WARM_UP_ITEMS)


@dataclass(frozen=True)
class Ground:
    """A prepared database and environment; programs come and go upon it."""

    env: dict[str, str]
    database: Database
    key: str

    @contextmanager
    def up(
        self, names: Sequence[str] = ALL, *, processes: Mapping[str, int] | None = None
    ) -> Iterator[Product]:
        """Run these programs of the Procfile.

        Args:
            names: of the programs.
            processes: how many a worker has, by its name, where not as the file says.
        """
        env = {**self.env, "PORT": str(ports.any_free())}
        env["RUN_ID"] = secrets.token_hex(4)
        env["PUBLIC_BASE_URL"] = f"http://{HOST}:{env['PORT']}"
        commands = runner.read_procfile(
            places.ROOT / "Procfile", env, without=_STAND_INS
        )
        for name, number in (processes or {}).items():
            words = commands[name]
            words[words.index("--concurrency") + 1] = str(number)
        with programs() as held:
            for name in names:
                held.start(name, commands[name], env)
            held.wait_open(int(env["PORT"]))
            yield Product(env, held, Api(int(env["PORT"]), self.key), self.database)

    def python(self, module: str, *arguments: str) -> str:
        """Run a module with the product's settings and return what it printed."""
        command = [sys.executable, "-m", module, *arguments]
        return processes.run(command, env=self.env, cwd=places.ROOT, what=module)


@contextmanager
def ground(
    *, providers_url: str, broker: str, settings: Mapping[str, str] | None = None
) -> Iterator[Ground]:
    """Make a database, tables, catalog and a funded organization; remove them all.

    Args:
        providers_url: where all providers are.
        broker: files, or redis.
        settings: variables of the product that are not the defaults.
    """
    with ExitStack() as held:
        _clear(places.RUN)
        held.callback(_clear, places.RUN)
        db = held.enter_context(database.fresh(places.POSTGRES))
        env = _environment(db.url, providers_url) | dict(settings or {})
        if broker == "redis":
            home = places.RUN / "redis"
            env["REDIS_URL"] = held.enter_context(redis.server(home))
        stack.prepare(env)
        yield Ground(env, db, _funded_key(env))


def _environment(database_url: str, providers_url: str) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if name not in _SET_ASIDE}
    programs_path = Path(sys.executable).parent
    return {
        **kept,
        "PATH": f"{programs_path}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "DJANGO_SETTINGS_MODULE": "batchrouter.settings.base",
        "PYTHONUNBUFFERED": "1",
        "VAR_DIR": str(places.RUN),
        "DATABASE_URL": database_url,
        "SANDBOX_PROVIDERS_URL": providers_url,
        "LOG_LEVEL": "WARNING",
    }


def _funded_key(env: Mapping[str, str]) -> str:
    made = json.loads(_manage(env, "make_demo"))
    grant = [made["org_id"], _CREDITS_USD, "--reason", "Benchmarks"]
    _manage(env, "grant_credits", *grant)
    return str(made["api_key"])


def _manage(env: Mapping[str, str], *words: str) -> str:
    command = [sys.executable, str(places.ROOT / "manage.py"), *words]
    return processes.run(
        command, env=env, cwd=places.ROOT, what=f"manage.py {words[0]}"
    )


def _clear(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
