"""The wiring of the product: settings, URLs, workers, and the shared kit."""

from batchrouter.celery import app as celery_app

__all__ = ["celery_app"]
