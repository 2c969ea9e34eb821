"""Doors for beat."""

from typing import Any

from celery import shared_task

from accounts.forgetting import forget_old
from batchrouter.kit import clock


@shared_task(name="accounts.forget_old")
def forget_old_rows(**_later: Any) -> None:
    """Delete logins and sign-ups that nobody can use any more."""
    forget_old(now=clock.now())
