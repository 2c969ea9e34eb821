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
        from batches.delivery import letters  # noqa: F401, PLC0415 # as above
        from batches.services import (  # noqa: PLC0415 # as above
            credit_events,
            sample_runs,
        )
        from billing import signals  # noqa: PLC0415 # as above

        backlog.register()
        sample_runs.register_capability()
        checks.register()
        provider_usage.register()
        signals.credits_posted.connect(
            credit_events.tell_posted, dispatch_uid="batches.credits_posted"
        )
        signals.balance_crossed.connect(
            credit_events.tell_low, dispatch_uid="batches.credits_low"
        )
