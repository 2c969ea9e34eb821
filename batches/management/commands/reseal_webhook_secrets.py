"""Seal every webhook secret anew, with the newest of CREDENTIALS_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from batches.services.delivery import reseal_secrets
from batchrouter.kit.sealing import CannotOpen


class Command(BaseCommand):
    """``manage.py reseal_webhook_secrets``: before an old sealing key is taken away."""

    help = "Seal the secrets of webhooks with the newest key."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.stdout.write(f"{reseal_secrets()} sealed anew")
        except CannotOpen:
            raise CommandError("a secret cannot be opened; none was changed") from None
