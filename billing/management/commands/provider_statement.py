"""Print what a provider's work of a month cost us."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from batchrouter.kit.errors import BatchRouterError
from batchrouter.kit.money import format_usd
from billing.months import parse_month
from billing.provider_statements import ProviderStatement, provider_statement


class Command(BaseCommand):
    """``manage.py provider_statement openai 2026-11 [--json]``."""

    help = "Print a provider's month: executions, items, tokens, cost, what is open."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("provider", help="the catalog's slug, such as openai")
        parser.add_argument("month", help="2026-11, in UTC")
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = provider_statement(
                options["provider"], parse_month(options["month"])
            )
        except (BatchRouterError, ValueError) as error:
            raise CommandError(str(error)) from error
        rows = _rows(found)
        if options["json"]:
            self.stdout.write(json.dumps(rows, indent=2))
            return
        width = max(len(name) for name in rows)
        for name, value in rows.items():
            self.stdout.write(f"{name:<{width}}  {value:>20}")


def _rows(found: ProviderStatement) -> dict[str, str | int]:
    return {
        "provider": found.provider,
        "month": str(found.month),
        "executions": found.usage.executions,
        "items": found.usage.items,
        "input_tokens": found.usage.input_tokens,
        "cached_tokens": found.usage.cached_tokens,
        "output_tokens": found.usage.output_tokens,
        "cost_usd": _usd(found.cost_nanousd),
        "ambiguous_usd": _usd(found.ambiguous_nanousd),
        "trued_up_usd": _usd(found.trued_up_nanousd),
        "payable_usd": _usd(found.payable_nanousd),
    }


def _usd(nanousd: int) -> str:
    return format_usd(nanousd, places_min=9)
