"""Add, check or retire the key at a provider; seal all keys anew."""

import getpass
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet

from batchrouter.kit import clock
from batchrouter.kit.errors import BatchRouterError
from routing import credentials
from routing.credential_checks import Verdict
from routing.models import ProviderCredential


class Command(BaseCommand):
    """``manage.py provider_credential add|check|retire PROVIDER``, or ``reseal``."""

    help = "Manage the keys at providers; a secret is read from standard input."
    stealth_options = ("stdin",)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["add", "check", "retire", "reseal"])
        parser.add_argument("provider", nargs="?", default="", help="such as openai")
        parser.add_argument("--label", default="", help="what the key is called")
        parser.add_argument("--base-url", default="", help="where it is not the usual")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["action"] == "reseal":
                self.stdout.write(f"{credentials.reseal_credentials()} sealed anew")
            elif not options["provider"]:
                raise CommandError("name the provider")
            elif options["action"] == "add":
                self._add(options)
            elif options["action"] == "check":
                self._check(_open_ones(options["provider"])[0])
            else:
                self._retire(_open_ones(options["provider"]))
        except BatchRouterError as error:
            raise CommandError(error.message) from None

    def _add(self, options: dict[str, Any]) -> None:
        row = credentials.add_credential(
            provider=options["provider"],
            label=options["label"],
            secret=_read_secret(options.get("stdin") or sys.stdin),
            base_url=options["base_url"],
            created_by=None,
            now=clock.now(),
        )
        self._check(row)

    def _check(self, row: ProviderCredential) -> None:
        """Say what the provider answered; a key that is not good is a failure."""
        outcome = credentials.check_credential(row, now=clock.now())
        standing = "active" if row.is_active else "not active"
        said = f"{row.public_id} {row}: {outcome}, {standing}"
        if outcome.verdict is not Verdict.ACCEPTED:
            raise CommandError(said)
        self.stdout.write(said)

    def _retire(self, rows: QuerySet[ProviderCredential]) -> None:
        for row in rows:
            credentials.retire_credential(row, now=clock.now())
            self.stdout.write(f"{row.public_id} {row}: retired")


def _open_ones(provider: str) -> QuerySet[ProviderCredential]:
    """Return what is not retired, newest first.

    Raises:
        CommandError: there is none.
    """
    rows = ProviderCredential.objects.filter(provider=provider, retired_at=None)
    if not rows:
        raise CommandError(f"there is no key at {provider}")
    return rows


def _read_secret(stdin: Any) -> str:
    """Read one line, unseen where a person types it."""
    if stdin.isatty():
        return getpass.getpass("Secret: ")
    return str(stdin.readline())
