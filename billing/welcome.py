"""Promotional credits for a new organization, where the operator gives any."""

from typing import Any

from django.conf import settings

from accounts.models import Org
from batchrouter.kit.money import NANO_PER_USD
from billing.grants import grant_credits
from billing.ledger import SYSTEM


def welcome(*, org: Org, **_signal: Any) -> None:
    """Give ``WELCOME_CREDIT_USD`` in the transaction that opens the organization."""
    if not settings.WELCOME_CREDIT_USD:
        return
    grant_credits(
        org=org,
        amount_nanousd=settings.WELCOME_CREDIT_USD * NANO_PER_USD,
        reason="Welcome credits",
        actor=SYSTEM,
        key="welcome",
        is_promo=True,
    )
