"""The Django application."""

from django.apps import AppConfig


class BatchesConfig(AppConfig):
    name = "batches"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Add the proofs and counts about batches to those of others."""
        from batches import (  # noqa: PLC0415 # models are ready only now
            backlog,
            checks,
            provider_usage,
        )
        from batches.services import sample_runs  # noqa: PLC0415 # as above

        backlog.register()
        sample_runs.register_capability()
        checks.register()
        provider_usage.register()
