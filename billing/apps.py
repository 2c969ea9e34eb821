"""The Django application."""

from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured


class BillingConfig(AppConfig):
    name = "billing"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Refuse to start with a key that cannot sign receipts; add our proofs."""
        from batchrouter.web import health  # noqa: PLC0415 as below
        from billing import (  # noqa: PLC0415 as below
            freeze,
            metrics,
            stripe_checks,
            stripe_gateway,
        )
        from billing.receipts import signer  # noqa: PLC0415 models load before this

        stripe_checks.register()
        metrics.register()
        health.register_note("spending", freeze.spending_word)
        stripe_gateway.hide_keys_in_admin()

        try:
            signer()
        except ValueError as error:
            raise ImproperlyConfigured(
                "RECEIPT_SIGNING_SEED_B64 must be 32 bytes in base64"
            ) from error
