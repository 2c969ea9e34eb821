"""Ask for the difference between a provider's invoice and what is booked."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from batchrouter.kit import clock
from batchrouter.kit.errors import BatchRouterError
from batchrouter.kit.money import MoneyFormatError, format_usd, parse_usd
from billing.months import parse_month
from billing.operations import (
    Asking,
    limits_from_settings,
    operator_named,
    request_true_up,
)
from billing.provider_statements import provider_statement


def _amount(text: str) -> int:
    try:
        return parse_usd(text)
    except MoneyFormatError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


class Command(BaseCommand):
    """``manage.py provider_true_up openai 2026-10 1234.56 --invoice … --maker …``."""

    help = "Ask for a provider's true-up; another operator approves it in the admin."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("provider", help="the catalog's slug, such as openai")
        parser.add_argument("month", help="2026-10, in UTC; it must be over")
        parser.add_argument("amount", type=_amount, help="the invoice's total, dollars")
        parser.add_argument("--invoice", required=True, help="the invoice's number")
        parser.add_argument("--maker", required=True, help="e-mail of an operator")
        parser.add_argument("--reason", default="The provider's monthly invoice.")

    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        try:
            month = parse_month(options["month"])
            booked = provider_statement(options["provider"], month).payable_nanousd
            asked = request_true_up(
                provider=options["provider"],
                month=month,
                invoice=options["invoice"],
                invoiced_nanousd=options["amount"],
                asking=Asking(
                    maker=operator_named(options["maker"]),
                    reason=options["reason"],
                    key=f"true_up:{options['provider']}:{month}:{options['invoice']}",
                    limits=limits_from_settings(),
                ),
                now=now,
            )
        except (BatchRouterError, ValueError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{asked.public_id}: {format_usd(booked)} USD are booked, the difference "
            f"is {format_usd(asked.amount_nanousd)} USD; another operator approves it"
        )
