"""The Django application."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let the OpenAPI document know how callers identify themselves."""
        from accounts import openapi  # noqa: F401, PLC0415 # registers by import
