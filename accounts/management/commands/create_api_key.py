"""Create an API key and show its secret, this once."""

import argparse
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.keys import create_key
from accounts.models import Org, Scope
from batchrouter.kit import clock
from batchrouter.kit.errors import BatchRouterError
from batchrouter.kit.money import MoneyFormatError, parse_usd


def _last_day(text: str) -> datetime:
    """Read ``2027-01-31`` as the end of that day, UTC."""
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date") from error
    return datetime.combine(day + timedelta(days=1), time.min, tzinfo=UTC)


def _dollars(text: str) -> int:
    """Read ``25.00`` as nano-dollars above zero."""
    try:
        nanousd = parse_usd(text)
    except MoneyFormatError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if not nanousd:
        raise argparse.ArgumentTypeError("a spend limit is above zero")
    return nanousd


class Command(BaseCommand):
    """``manage.py create_api_key org_01… --name ci --scopes quote,submit``."""

    help = "Create an API key of an organization and print its secret once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("org_id", help="public id, org_…")
        parser.add_argument("--name", required=True, help="what the key is for")
        parser.add_argument(
            "--scopes",
            help=f"comma-separated, of {', '.join(Scope.values)}; all but admin "
            "where left out",
        )
        parser.add_argument(
            "--test", action="store_true", help="a key for sandbox lanes only"
        )
        parser.add_argument(
            "--expires", type=_last_day, help="the last day it works: 2027-01-31"
        )

        parser.add_argument(
            "--spend-limit",
            type=_dollars,
            help="what it may spend in all its life, in dollars: 25.00",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        org = Org.objects.filter(public_id=options["org_id"]).first()
        if org is None:
            raise CommandError(f"there is no organization {options['org_id']}")
        if options["expires"] and options["expires"] <= clock.now():
            raise CommandError("--expires is over already")
        scopes = options["scopes"]
        try:
            made = create_key(
                org=org,
                name=options["name"],
                scopes=None if scopes is None else scopes.split(","),
                expires_at=options["expires"],
                is_test=options["test"],
                spend_limit_nanousd=options["spend_limit"],
            )
        except BatchRouterError as error:
            raise CommandError(error.message) from error
        self.stdout.write(
            f"{made.row.public_id} for {org}: {', '.join(made.row.scopes)}"
        )
        self.stdout.write("The secret, shown this once:")
        self.stdout.write(made.secret)
