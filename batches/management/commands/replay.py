"""Decide a batch again from what was stored, as it was or under another policy."""

import json
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from batches.models import Batch
from batches.services import replays
from batchrouter.kit.errors import BatchRouterError

Json = dict[str, Any]


class Command(BaseCommand):
    """``manage.py replay batch_01… [--policy cheapest+flex] [--json]``.

    Without a policy it ends with an error where a single byte differs.
    """

    help = "Decide a batch again from its stored values, and compare."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("batch_id", help="public id, batch_…")
        parser.add_argument("--json", action="store_true", help="for programs")
        parser.add_argument(
            "--policy",
            help="back-test: a routing mode, a tier, open_providers, a route policy or "
            "rv_…, joined by +",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        batch = (
            Batch.objects.select_related("quote")
            .filter(public_id=options["batch_id"])
            .first()
        )
        if batch is None:
            raise CommandError(f"there is no batch {options['batch_id']}")
        try:
            if options["policy"] is None:
                self._replay(batch, as_json=options["json"])
            else:
                self._backtest(batch, options["policy"], as_json=options["json"])
        except BatchRouterError as error:
            raise CommandError(error.message) from error

    def _replay(self, batch: Batch, *, as_json: bool) -> None:
        told = replays.replay_json(batch, replays.replay_quote(batch.quote))
        self._write(told, _replay_lines(told), as_json=as_json)
        if not told["identical"]:
            raise CommandError("the replay is not the stored decision")

    def _backtest(self, batch: Batch, policy: str, *, as_json: bool) -> None:
        told = replays.backtest_json(
            batch, policy, replays.backtest_batch(batch, policy)
        )
        self._write(told, _backtest_lines(told), as_json=as_json)

    def _write(self, told: Json, lines: Iterator[str], *, as_json: bool) -> None:
        self.stdout.write(json.dumps(told, indent=2) if as_json else "\n".join(lines))


def _replay_lines(told: Json) -> Iterator[str]:
    yield (
        f"Batch {told['batch_id']}, quote {told['quote_id']}, decided at "
        f"{told['decided_at']} by weights {told['route_version']}:"
    )
    for group in told["groups"]:
        count = len(group["differences"])
        yield f"  group {group['group_no']}: " + (
            f"{count} differences" if count else "the same, byte for byte"
        )
        yield from _differences(group["differences"])
    yield from _differences(told["totals"])


def _differences(found: list[Json]) -> Iterator[str]:
    for each in found:
        was, now = each["stored"], each["replayed"]
        yield f"    {each['path']}: {was} stored, {now} replayed"


_ROW = "{:<6} {:<8} {:<44} {:>14} {:>14} {:>10}"


def _backtest_lines(told: Json) -> Iterator[str]:
    yield f"Batch {told['batch_id']} under {told['policy']}, in USD before the fee:"
    yield _ROW.format("group", "", "lane", "ceiling", "settled", "finish s")
    for group in told["groups"]:
        for name in ("stored", "policy"):
            yield _side(group, name)
    for name in ("quoted_total", "settled_total"):
        sums = told[name]
        what = name.replace("_", " ")
        yield f"{what} with fee: {sums['stored']} stored, {sums['policy']} policy"


def _side(group: Json, name: str) -> str:
    side = group[name]
    number = group["group_no"] if name == "stored" else ""
    if side is None:
        return _ROW.format(number, name, "no eligible lane", "", "", "")
    return _ROW.format(
        number,
        name,
        f"{side['model']} at {side['provider']} ({side['mode']})",
        side["ceiling"],
        group["settled"][name],
        side["finish_seconds"],
    )
