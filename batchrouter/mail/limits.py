"""How much mail anybody can make us send.

Counted from the outbox, so a restart forgets nothing, and whether an address has an
account changes nothing.
"""

import math
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from batchrouter.kit.errors import BatchRouterError
from batchrouter.mail.clients import client_of
from batchrouter.mail.kinds import asked_for
from batchrouter.mail.models import Letter

_WINDOW = timedelta(hours=1)


class TooManyLetters(BatchRouterError):
    """This address or this client has asked for enough mail for now."""

    code = "rate_limited"
    status = 429
    error_type = "rate_limit_error"


@transaction.atomic
def require_room(*, to: str, ip: str | None, now: datetime) -> None:
    """Refuse where an address or a client has asked for too much in the last hour.

    Exact when called in the transaction that posts the letter: others who ask for the
    same address or client wait for its end. Outside one, as many can slip through as
    ask at the same instant.

    Args:
        to: the address that the letter would go to.
        ip: the client's address, where it is known; IPv6 counts by /64.
        now: the present instant.

    Raises:
        TooManyLetters: its details tell ``retry_after_seconds``.
    """
    client = client_of(ip)
    names = [f"to {to}", f"client {client}"] if client else [f"to {to}"]
    with connection.cursor() as cursor:
        # In one order everywhere, so that two never wait for each other.
        for name in sorted(names):
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name]
            )
    asked = Letter.objects.filter(kind__in=asked_for(), created_at__gt=now - _WINDOW)
    _require(asked.filter(to=to), settings.MAIL_PER_ADDRESS_HOURLY, now=now)
    if client:
        _require(asked.filter(client=client), settings.MAIL_PER_CLIENT_HOURLY, now=now)


def _require(asked: QuerySet[Letter], most: int, *, now: datetime) -> None:
    newest_first = asked.order_by("-created_at").values_list("created_at", flat=True)
    deciding = newest_first[most - 1 : most].first()
    if deciding is not None:
        wait_seconds = math.ceil((deciding + _WINDOW - now).total_seconds())
        raise TooManyLetters(
            "Too much mail was asked for. Wait, and look into your spam folder.",
            details={"retry_after_seconds": max(1, wait_seconds)},
        )
