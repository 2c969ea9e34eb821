"""Give credits to an organization."""

import argparse
import getpass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Org
from batchrouter.kit import ids
from batchrouter.kit.errors import BatchRouterError
from batchrouter.kit.money import MoneyFormatError, format_usd, parse_usd
from billing.grants import grant_credits
from billing.selectors import balance


def _last_day(text: str) -> datetime:
    """Read ``2027-01-31`` as the end of that day, UTC."""
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date") from error
    return datetime.combine(day + timedelta(days=1), time.min, tzinfo=UTC)


def _amount(text: str) -> int:
    try:
        return parse_usd(text)
    except MoneyFormatError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


class Command(BaseCommand):
    """``manage.py grant_credits org_01… 25.00 --reason "Launch partner"``."""

    help = "Give credits to an organization; the ledger records who and why."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("org_id", help="public id, org_…")
        parser.add_argument("amount", type=_amount, help="dollars, such as 25.00")
        parser.add_argument("--reason", required=True, help="why, for the ledger")
        parser.add_argument(
            "--actor",
            default=f"operator:{getpass.getuser()}",
            help="who gives; the operating system's user where left out",
        )
        parser.add_argument(
            "--key", help="any text; the same key again grants nothing more"
        )
        parser.add_argument(
            "--promo", action="store_true", help="spent before paid credits"
        )
        parser.add_argument(
            "--expires", type=_last_day, help="last day, with --promo: 2027-01-31"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        org = Org.objects.filter(public_id=options["org_id"]).first()
        if org is None:
            raise CommandError(f"there is no organization {options['org_id']}")
        key = options["key"] or ids.new_id("gkey")
        try:
            grant = grant_credits(
                org=org,
                amount_nanousd=options["amount"],
                reason=options["reason"],
                actor=options["actor"],
                key=key,
                is_promo=options["promo"],
                expires_at=options["expires"],
            )
        except (BatchRouterError, ValueError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{grant.public_id}: {format_usd(grant.amount_nanousd)} USD for {org} "
            f"(key {key}); available now "
            f"{format_usd(balance(org).available_nanousd)} USD"
        )
