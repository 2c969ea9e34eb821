"""The Django application."""

from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured


class BillingConfig(AppConfig):
    name = "billing"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Refuse to start with a key that cannot sign receipts; tell accounts."""
        # Models load before these can be imported.
        from accounts.facts import register_fact  # noqa: PLC0415
        from accounts.signals import org_opened  # noqa: PLC0415
        from billing.receipts import signer  # noqa: PLC0415
        from billing.rendering import balance_json  # noqa: PLC0415
        from billing.selectors import balance  # noqa: PLC0415
        from billing.welcome import welcome  # noqa: PLC0415

        register_fact("credit_balance", lambda org: balance_json(balance(org)))
        org_opened.connect(welcome, dispatch_uid="billing.welcome")

        try:
            signer()
        except ValueError as error:
            raise ImproperlyConfigured(
                "RECEIPT_SIGNING_SEED_B64 must be 32 bytes in base64"
            ) from error
