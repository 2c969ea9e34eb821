"""The background job of mail; it may run twice, or late."""

from typing import Any

from celery import shared_task
from django.conf import settings

from batchrouter.mail.sending import send_due_letters


@shared_task(name="mail.send_due", expires=settings.MAIL_SWEEP_SECONDS * 5)
def send_due(**_later: Any) -> None:
    """Send every letter that is due."""
    send_due_letters()
