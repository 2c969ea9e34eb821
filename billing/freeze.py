"""The stop switch: no credits are reserved or charged while it is set.

Reads, top-ups and grants go on. A failed reconciliation sets it; a person lifts it.
"""

import logging
from datetime import datetime

from batchrouter.kit.errors import BatchRouterError
from billing.models import MoneyFreeze

log = logging.getLogger(__name__)

# A person has to look; clients need not ask more often than the books are checked.
RETRY_AFTER_SECONDS = 300


class MoneyFrozen(BatchRouterError):
    """A money invariant failed; spending waits until a person has looked."""

    code = "money_frozen"
    status = 503
    error_type = "billing_error"


def current_freeze() -> MoneyFreeze | None:
    """Return the freeze that holds now, if any."""
    return MoneyFreeze.objects.filter(lifted_at__isnull=True).first()


def require_not_frozen() -> None:
    """Refuse to go on while money is frozen.

    Raises:
        MoneyFrozen: it is.
    """
    if current_freeze() is not None:
        raise MoneyFrozen(
            "Spending is paused while we check our books. Nothing was charged.",
            details={"retry_after_seconds": RETRY_AFTER_SECONDS},
        )


def spending_word() -> str:
    """Say for monitoring whether spending goes on."""
    return "ok" if current_freeze() is None else "frozen"


def freeze_money(*, reason: str, now: datetime) -> MoneyFreeze:
    """Stop spending. A freeze that already holds is kept with its first reason."""
    freeze, is_new = MoneyFreeze.objects.get_or_create(
        lifted_at__isnull=True, defaults={"reason": reason[:500], "since": now}
    )
    if is_new:
        log.critical("money is frozen: %s", reason)
    return freeze


def lift_freeze(*, reason: str, actor: str, now: datetime) -> bool:
    """Let spending go on; tell whether there was a freeze to lift.

    Raises:
        ValueError: the reason or the actor is empty.
    """
    if not reason.strip() or not actor.strip():
        raise ValueError("say who lifts the freeze and why")
    lifted = MoneyFreeze.objects.filter(lifted_at__isnull=True).update(
        lifted_at=now, lifted_by=actor, lift_reason=reason
    )
    if lifted:
        log.warning("money freeze lifted by %s: %s", actor, reason)
    return lifted == 1
