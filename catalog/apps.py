"""The Django application."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "catalog"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Add the price book to the metrics."""
        from catalog import metrics  # noqa: PLC0415 # models are ready only now

        metrics.register()
