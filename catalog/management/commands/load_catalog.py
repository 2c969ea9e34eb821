"""Apply catalog/data/*.json to the database and print the difference."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from batchrouter.kit import clock
from catalog.datafiles import DATA_DIR, CatalogDataError
from catalog.loading import load_catalog


class Command(BaseCommand):
    help = "Load providers, models, offerings, prices and workflow products."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="print the difference, write nothing"
        )
        parser.add_argument(
            "--data", type=Path, default=DATA_DIR, help="another folder of data files"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            changes = load_catalog(
                now=clock.now(), data_dir=options["data"], dry_run=options["dry_run"]
            )
        except (CatalogDataError, OSError) as error:
            raise CommandError(str(error)) from error
        for change in changes:
            self.stdout.write(str(change))
        note = "; nothing was written" if options["dry_run"] else ""
        self.stdout.write(f"{len(changes)} differences{note}.")
