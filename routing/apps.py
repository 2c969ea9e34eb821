"""The Django application."""

from django.apps import AppConfig


class RoutingConfig(AppConfig):
    name = "routing"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let the capability flags know of live lanes, the directory of breakers."""
        from routing import (  # noqa: PLC0415 # models are ready only now
            drifts,
            lanes,
            live_lanes,
        )

        drifts.register()
        lanes.register()
        live_lanes.register()
