"""Fold batches that were settled before the report's sums were kept."""

from typing import Any

from django.core.management.base import BaseCommand

from batches.services.rolling_up import roll_up_missing


class Command(BaseCommand):
    """``manage.py roll_up_batches``; safe to repeat."""

    help = "Add ended batches that are not in the report's sums yet."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{roll_up_missing()} batches were added")
