"""The Django applications: accounts, and the admin site that it guards."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class AccountsConfig(AppConfig):
    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Add to the OpenAPI document and the outbox, and hear of second factors."""
        from accounts import (  # noqa: PLC0415 # registers by import
            letters,  # noqa: F401
            openapi,  # noqa: F401
            second_factor,  # noqa: F401
        )


class OperatorAdminConfig(admin_apps.AdminConfig):
    # The app itself is AccountsConfig.
    default = False
    default_site = "accounts.admin_site.OperatorSite"
