"""The Django application."""

from anymail.signals import tracking
from django.apps import AppConfig


class MailConfig(AppConfig):
    name = "batchrouter.mail"
    label = "mail"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen to what becomes of letters."""
        from batchrouter.mail.webhooks import receive  # noqa: PLC0415 # apps are ready

        tracking.connect(receive, dispatch_uid="batchrouter.mail")
