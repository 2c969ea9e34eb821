"""What billing writes to people."""

from typing import Any

from django.conf import settings

from accounts.models import Membership, Org, Role
from batchrouter.kit.money import format_usd
from batchrouter.mail.kinds import Facts, Written, register
from batchrouter.mail.outbox import post
from batchrouter.mail.wording import one_line
from billing.balance_watch import hand_on
from billing.models import BalanceNotice
from billing.profiles import billing_email

_NAME_SHOWN = 60


def tell_low_balance(*, notice: BalanceNotice, **_signal: Any) -> None:
    """Post a letter to everybody who can buy, in the transaction of the crossing."""
    now = notice.created_at
    if not hand_on(notice, now=now):
        return
    for address in _buyers(notice.org):
        post(
            kind="credits_low",
            to=address,
            facts={"notice": notice.public_id},
            ip=None,
            now=now,
            once=f"credits_low:{notice.public_id}:{address}",
        )


def credits_low(_to: str, facts: Facts) -> Written | None:
    """Write that credits are about to end."""
    notice = BalanceNotice.objects.select_related("org").get(public_id=facts["notice"])
    org_name = one_line(notice.org.name, _NAME_SHOWN)
    return Written(
        f"Credits of {org_name} are low",
        "credits_low",
        {
            "org_name": org_name,
            "available": format_usd(notice.available_nanousd),
            "threshold": format_usd(notice.threshold_nanousd),
            "billing": f"{settings.PUBLIC_BASE_URL}/billing",
        },
    )


def _buyers(org: Org) -> list[str]:
    """Return the billing address, owners and admins, each once."""
    people = Membership.objects.filter(
        org=org, role__in=[Role.OWNER, Role.ADMIN], user__is_active=True
    ).order_by("pk")
    addresses = [billing_email(org), *people.values_list("user__email", flat=True)]
    return list(dict.fromkeys(address for address in addresses if address))


register("credits_low", credits_low)
