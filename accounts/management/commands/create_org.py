"""Create an organization and its owner."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.orgs import create_org
from batchrouter.kit.errors import BatchRouterError


class Command(BaseCommand):
    """``manage.py create_org "Acme" ada@acme.example``."""

    help = "Create an organization; a new owner gets a password by changepassword."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="what the organization is called")
        parser.add_argument("owner_email", help="the owner's address, new or known")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = create_org(name=options["name"], owner_email=options["owner_email"])
        except BatchRouterError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"organization {made.org.public_id} {made.org.name}")
        self.stdout.write(f"owner {made.user.public_id} {made.user.email}")
