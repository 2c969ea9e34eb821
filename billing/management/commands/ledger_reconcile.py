"""Prove the money invariants."""

import argparse
import json
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from batchrouter.kit import clock
from billing.models import ReconcileRun
from billing.reconcile import reconcile


class Command(BaseCommand):
    """``manage.py ledger_reconcile [--full | --since 2026-11-01] [--json] [--freeze]``.

    All of it is proved unless ``--since`` is given.
    """

    help = "Prove the money invariants. Exit code 0 only where all hold."

    def add_arguments(self, parser: CommandParser) -> None:
        extent = parser.add_mutually_exclusive_group()
        extent.add_argument(
            "--full", action="store_true", help="everything, as is usual"
        )
        extent.add_argument(
            "--since", type=_instant, help="what moved since a day or an instant, UTC"
        )
        parser.add_argument("--json", action="store_true", help="for programs")
        parser.add_argument(
            "--freeze", action="store_true", help="stop spending where one fails"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        run = reconcile(
            freeze=options["freeze"], now=clock.now(), since=options["since"]
        )
        self.stdout.write(_as_json(run) if options["json"] else _as_table(run))
        if not run.is_ok:
            raise SystemExit(1)


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no day or instant") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _as_json(run: ReconcileRun) -> str:
    document = {
        "ok": run.is_ok,
        "since": clock.iso_or_none(run.since),
        "started_at": clock.iso(run.started_at),
        "finished_at": clock.iso(run.finished_at),
        "checks": run.results,
    }
    return json.dumps(document, indent=2)


def _as_table(run: ReconcileRun) -> str:
    lines = []
    for result in run.results:
        word = "ok" if result["ok"] else "FAILED"
        lines.append(f"{result['code']:<4} {word:<7} {result['title']}")
        lines += [f"       - {problem}" for problem in result["problems"]]
    lines.append("all hold" if run.is_ok else "NOT ALL HOLD")
    return "\n".join(lines)
