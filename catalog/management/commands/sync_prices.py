"""Show what a newer price map changes, and add the versions with --approve."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from batchrouter.kit import clock, money
from catalog.pricefile import FILE_BYTES_MAX, PriceFileRefused, read_price_file
from catalog.repricing import (
    Difference,
    JumpsNotAllowed,
    RateMove,
    Repricing,
    sync_prices,
)


class Command(BaseCommand):
    help = "Compare the price book with a newer price map; write only with --approve."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="as catalog/data/model_prices.json")
        parser.add_argument(
            "--approve", action="store_true", help="add the dated price versions"
        )
        parser.add_argument(
            "--allow-jumps",
            action="store_true",
            help="also prices that rise more than threefold or fall below a tenth",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        try:
            file = read_price_file(_read(options["file"]), today=now.date())
            found = sync_prices(
                file,
                now=now,
                approve=options["approve"],
                allow_jumps=options["allow_jumps"],
            )
        except PriceFileRefused as error:
            if options["json"]:
                self._print({"faults": [vars(fault) for fault in error.faults]})
            raise CommandError(f"{error}\nNothing was written.") from error
        except JumpsNotAllowed as error:
            if options["json"]:
                self._print({"jumps": [_json(found) for found in error.differences]})
            lines = "\n".join(_line(found) for found in error.differences)
            raise CommandError(
                f"{lines}\nThese need --allow-jumps. Nothing was written."
            ) from error
        except OSError as error:
            raise CommandError(f"The file cannot be read: {error.strerror}") from error
        if options["json"]:
            self._print(_report(found, approved=options["approve"]))
        else:
            self._tell(found, approved=options["approve"])

    def _tell(self, found: Repricing, *, approved: bool) -> None:
        for difference in found.differences:
            self.stdout.write(_line(difference))
        done = (
            "added." if approved else "to add; nothing was written. Approve: --approve"
        )
        self.stdout.write(f"{found.version_count} price versions {done}")
        if found.jumps and not approved:
            self.stdout.write(f"{len(found.jumps)} of them jump: --allow-jumps")

    def _print(self, report: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(report, indent=1))


def _read(path: Path) -> bytes:
    # One byte more than is allowed tells a file that is too large.
    with path.open("rb") as source:
        return source.read(FILE_BYTES_MAX + 1)


def _report(found: Repricing, *, approved: bool) -> dict[str, Any]:
    return {
        "approved": approved,
        "version_count": found.version_count,
        "differences": [_json(difference) for difference in found.differences],
    }


def _json(found: Difference) -> dict[str, Any]:
    return {
        "action": found.action,
        "provider": found.provider,
        "model": found.model,
        "mode": found.mode,
        "detail": found.detail,
        "rates": [
            {
                "rate": move.name,
                "old_usd_per_mtok": money.format_usd(move.old),
                "new_usd_per_mtok": money.format_usd(move.new),
                "percent": None if move.percent is None else str(move.percent),
                "is_jump": move.is_jump,
            }
            for move in found.moves
        ],
    }


def _line(found: Difference) -> str:
    what = " ".join(filter(None, (found.provider, found.model, found.mode)))
    parts = [*([found.detail] if found.detail else []), *map(_move, found.moves)]
    return f"{found.action}: {what} ({'; '.join(parts)})"


def _move(move: RateMove) -> str:
    old, new = money.format_usd(move.old), money.format_usd(move.new)
    percent = "" if move.percent is None else f" ({move.percent:+}%)"
    jump = ", a jump" if move.is_jump else ""
    return f"{move.name} {old} -> {new} USD per Mtok{percent}{jump}"
