"""The Celery application. Workers: ``celery -A batchrouter worker -Q control``."""

import os
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_shutting_down

from batchrouter.kit import file_broker, stopping

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "batchrouter.settings.base")

file_broker.register()

app = Celery("batchrouter")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

_folders = app.conf.broker_transport_options
for _name in ("data_folder_in", "control_folder"):
    if _name in _folders:
        Path(_folders[_name]).mkdir(parents=True, exist_ok=True)


@worker_shutting_down.connect
def _let_work_come_to_an_end(**_kwargs: Any) -> None:
    """A worker that is asked to stop begins nothing new; its units go to others."""
    stopping.ask_to_stop()


@setup_logging.connect
def _keep_our_logging(**_kwargs: Any) -> None:
    """Connecting here stops Celery from replacing the handlers of settings."""
