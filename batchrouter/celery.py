"""The Celery application. Workers: ``celery -A batchrouter worker -Q control``."""

import os
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "batchrouter.settings.base")

app = Celery("batchrouter")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

_folders = app.conf.broker_transport_options
for _name in ("data_folder_in", "control_folder"):
    if _name in _folders:
        Path(_folders[_name]).mkdir(parents=True, exist_ok=True)


@setup_logging.connect
def _keep_our_logging(**_kwargs: Any) -> None:
    """Connecting here stops Celery from replacing the handlers of settings."""
