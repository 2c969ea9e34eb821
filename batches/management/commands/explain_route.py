"""Tell how a batch was routed, and why."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from batches import telling
from batches.explaining import explain_route
from batches.models import Batch
from batchrouter.kit.errors import NotFound


class Command(BaseCommand):
    """``manage.py explain_route batch_01… [--json] [--unit wu_01…]``."""

    help = "Tell how each work unit of a batch was routed, and why."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("batch_id", help="public id, batch_…")
        parser.add_argument("--json", action="store_true", help="for programs")
        parser.add_argument("--unit", help="tell of this work unit only, wu_…")

    def handle(self, *args: Any, **options: Any) -> None:
        batch = (
            Batch.objects.select_related("quote")
            .filter(public_id=options["batch_id"])
            .first()
        )
        if batch is None:
            raise CommandError(f"there is no batch {options['batch_id']}")
        try:
            told = explain_route(batch, unit_id=options["unit"])
        except NotFound as error:
            raise CommandError(error.message) from error
        if options["json"]:
            self.stdout.write(json.dumps(told, indent=2))
        else:
            self.stdout.write("\n".join(telling.story(told)))
