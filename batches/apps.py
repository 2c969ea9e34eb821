"""The Django application."""

from django.apps import AppConfig


class BatchesConfig(AppConfig):
    name = "batches"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Add the proofs about batches to reconciliation."""
        from batches import checks  # noqa: PLC0415 # models are ready only now

        checks.register()
