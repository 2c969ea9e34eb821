"""The Django application that holds the idempotency records."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "batchrouter.web"
    label = "web"
    default_auto_field = "django.db.models.BigAutoField"
