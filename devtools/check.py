"""``bin/check``: every static check, two at a time, with a line for each."""

import base64
import difflib
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from devtools import places, postgres, processes
from devtools.say import paint, say

OPENAPI = places.ROOT / "docs" / "openapi.yaml"
_AT_ONCE = 2


@dataclass(frozen=True)
class Outcome:
    """How a check went; the output is shown only when it failed."""

    passed: bool
    output: str


Check = Callable[[Mapping[str, str]], Outcome]


def main(arguments: list[str]) -> int:
    """Run the checks, or only those whose names are given; 1 if any failed."""
    checks = {
        name: check
        for name, check in _all_checks().items()
        if not arguments or name in arguments
    }
    env = places.base_environment()
    env["DJANGO_SETTINGS_MODULE"] = "batchrouter.settings.test"
    if env.get("DATABASE_URL"):
        return _run_all(checks, env)
    # makemigrations compares with what a database has.
    home = places.var_dir() / "check-postgres"
    with postgres.server(home, durable=False) as url:
        env["DATABASE_URL"] = url
        return _run_all(checks, env)


def reformat(arguments: list[str]) -> int:
    """Put everything into house format."""
    env = places.base_environment()
    where = arguments or ["."]
    codes = [
        processes.run_here(command, env=env, cwd=places.ROOT)
        for command in (
            ["ruff", "check", "--quiet", "--fix", *where],
            ["ruff", "format", "--quiet", *where],
        )
    ]
    if _has_templates() and not arguments:
        processes.run_here(
            [*_DJLINT, "--quiet", "--reformat"], env=env, cwd=places.ROOT
        )
    return max(codes)


_DJLINT = ["djlint", "templates"]


def _all_checks() -> dict[str, Check]:
    """Return the checks, the slowest first."""
    manage = list(places.MANAGE)
    checks = {
        "types": _command("mypy", "."),
        "format": _command("ruff", "format", "--check", "--quiet", "--diff", "."),
        "lint": _command("ruff", "check", "--quiet", "."),
        "imports": _command("lint-imports", "--no-logo"),
        "house rules": _command(str(places.PYTHON), "tools/house_rules.py"),
        "django": _command(*manage, "check", "--fail-level", "WARNING"),
        "migrations": _command(*manage, "makemigrations", "--check", "--dry-run"),
        "deployment": _deployment,
    }
    if _has_templates():
        checks["templates"] = _command(*_DJLINT, "--quiet", "--check", "--lint")
    if OPENAPI.exists():
        checks["openapi"] = _openapi
    return checks


def _has_templates() -> bool:
    return any((places.ROOT / "templates").rglob("*.html"))


def _run_all(checks: Mapping[str, Check], env: Mapping[str, str]) -> int:
    failed = []
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        waiting = [pool.submit(_timed, name, c, env) for name, c in checks.items()]
        for done in as_completed(waiting):
            name, outcome, seconds = done.result()
            verdict = paint("ok", 32) if outcome.passed else paint("FAILED", 31)
            say(f"{name:<12} {seconds:5.1f} s  {verdict}")
            if not outcome.passed:
                failed.append(name)
                say(outcome.output.rstrip() + "\n")
    say(f"Failed: {', '.join(failed)}" if failed else f"All {len(checks)} checks hold")
    return 1 if failed else 0


def _timed(
    name: str, check: Check, env: Mapping[str, str]
) -> tuple[str, Outcome, float]:
    began = time.monotonic()
    outcome = check(env)
    return name, outcome, time.monotonic() - began


def _command(*words: str) -> Check:
    def check(env: Mapping[str, str]) -> Outcome:
        code, output = processes.run_judged(words, env=env, cwd=places.ROOT)
        return Outcome(passed=code == 0, output=output)

    return check


def _deployment(env: Mapping[str, str]) -> Outcome:
    """Run Django's deployment checks on the production settings."""
    seed = base64.b64encode(os.urandom(32)).decode()
    production = {
        **env,
        "DJANGO_SETTINGS_MODULE": "batchrouter.settings.production",
        "SECRET_KEY": base64.b64encode(os.urandom(48)).decode(),
        "RECEIPT_SIGNING_SEED_B64": seed,
        "REDIS_URL": "redis://127.0.0.1:6379/0",
        "ALLOWED_HOSTS": "batchrouter.example",
        "PUBLIC_BASE_URL": "https://batchrouter.example",
        "DEBUG": "0",
    }
    words = ("check", "--deploy", "--fail-level", "WARNING")
    return _command(*places.MANAGE, *words)(production)


def _openapi(env: Mapping[str, str]) -> Outcome:
    """Compare the committed API document with the one the code gives."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "openapi.yaml"
        words = (*places.MANAGE, "spectacular", "--validate", "--file", str(fresh))
        outcome = _command(*words)(env)
        if not outcome.passed or fresh.read_bytes() == OPENAPI.read_bytes():
            return outcome
        difference = difflib.unified_diff(
            OPENAPI.read_text().splitlines(),
            fresh.read_text().splitlines(),
            "docs/openapi.yaml",
            "what the code says",
            lineterm="",
        )
        mend = "Mend it:  .venv/bin/python manage.py spectacular --file"
        lines = [*list(difference)[:80], f"{mend} docs/openapi.yaml"]
        return Outcome(passed=False, output="\n".join(lines))
