"""``bin/test``: pytest on a private PostgreSQL and a private Redis."""

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from devtools import chromium, places, postgres, processes, redis
from devtools.say import Trouble, say


def main(arguments: list[str]) -> int:
    """Run pytest and return its exit code."""
    env = places.base_environment()
    env["DJANGO_SETTINGS_MODULE"] = "batchrouter.settings.test"
    with ExitStack() as parts:
        home = parts.enter_context(_own_folder())
        if not env.get("DATABASE_URL"):
            server = postgres.server(home / "postgres", durable=False)
            env["DATABASE_URL"] = parts.enter_context(server)
        # Tests start on the defaults, with no Redis; those that prove the production
        # broker and cache take this one.
        env["TEST_REDIS_URL"] = env.pop("REDIS_URL", "") or parts.enter_context(
            redis.server(home / "redis")
        )
        browser = _browser()
        if browser:
            env["CHROMIUM"] = str(browser)
        command = [str(places.PYTHON), "-m", "pytest", *(arguments or ["-n", "2"])]
        return processes.run_here(command, env=env, cwd=places.ROOT)


@contextmanager
def _own_folder() -> Iterator[Path]:
    """Yield a folder that no other run of the tests uses now."""
    for number in range(1, 100):
        folder = places.var_dir() / f"test-{number}"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield folder
            return
    raise Trouble("A hundred test runs at once are too many.")


def _browser() -> Path | None:
    """Return a browser where a test wants one; those tests skip without it."""
    tests = (places.ROOT / "tests").rglob("test_*.py")
    if not any("mark.browser" in test.read_text() for test in tests):
        return None
    try:
        return chromium.ensure()
    except Trouble as trouble:
        say(f"Browser tests are skipped. {trouble}")
        return None
