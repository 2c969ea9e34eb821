"""The Django application."""

from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured


class BillingConfig(AppConfig):
    name = "billing"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Refuse a key that cannot sign receipts; add our part to other apps."""
        # Models load before these can be imported.
        from accounts.facts import register_fact  # noqa: PLC0415
        from accounts.signals import org_opened  # noqa: PLC0415
        from batchrouter.web import health  # noqa: PLC0415
        from billing import (  # noqa: PLC0415
            freeze,
            letters,
            metrics,
            stripe_checks,
            stripe_gateway,
        )
        from billing.receipts import signer  # noqa: PLC0415
        from billing.rendering import balance_json  # noqa: PLC0415
        from billing.selectors import balance  # noqa: PLC0415
        from billing.signals import balance_crossed  # noqa: PLC0415
        from billing.welcome import welcome  # noqa: PLC0415

        register_fact("credit_balance", lambda org: balance_json(balance(org)))
        balance_crossed.connect(
            letters.tell_low_balance, dispatch_uid="billing.low_balance"
        )
        org_opened.connect(welcome, dispatch_uid="billing.welcome")

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
