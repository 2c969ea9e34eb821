"""Show, set or lift the stop switch of spending."""

import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from batchrouter.kit import clock
from billing.freeze import current_freeze, freeze_money, lift_freeze


class Command(BaseCommand):
    """``manage.py money_freeze [status|set|lift] [--reason TEXT]``."""

    help = "Show, set or lift the freeze of spending."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "action", nargs="?", default="status", choices=["status", "set", "lift"]
        )
        parser.add_argument("--reason", default="", help="needed to set and to lift")

    def handle(self, *args: Any, **options: Any) -> None:
        action, reason = options["action"], options["reason"].strip()
        if action != "status" and not reason:
            raise CommandError("say why: --reason TEXT")
        actor = f"operator:{getpass.getuser()}"
        if action == "set":
            freeze_money(reason=f"{actor}: {reason}", now=clock.now())
        elif action == "lift":
            lift_freeze(reason=reason, actor=actor, now=clock.now())
        freeze = current_freeze()
        self.stdout.write("money is not frozen" if freeze is None else str(freeze))
