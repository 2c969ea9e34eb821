"""What is written to people when their endpoint takes nothing more."""

from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings

from accounts.models import Membership, Role
from batches.models import DisabledReason, WebhookEndpoint
from batchrouter.mail.kinds import Facts, Written, register
from batchrouter.mail.outbox import post
from batchrouter.mail.wording import one_line

_KIND = "webhook_disabled"
_NAME_SHOWN = 60
_WHY = {
    DisabledReason.GONE: "it answered 410 Gone",
    DisabledReason.FAILING: "it has taken nothing for five days",
}


def tell_disabled(endpoint: WebhookEndpoint, *, now: datetime) -> None:
    """Post a letter to owners and admins, in the transaction that disabled it."""
    people = Membership.objects.filter(
        org=endpoint.org_id, role__in=[Role.OWNER, Role.ADMIN], user__is_active=True
    ).order_by("pk")
    for user_id, address in people.values_list("user__public_id", "user__email"):
        post(
            kind=_KIND,
            to=address,
            facts={"endpoint": endpoint.public_id},
            ip=None,
            now=now,
            # It may be disabled again, after somebody has mended it.
            once=f"{endpoint.public_id}:{int(now.timestamp())}:{user_id}",
        )


def webhook_disabled(_to: str, facts: Facts) -> Written | None:
    """Write that an endpoint was disabled; nothing where it is mended already."""
    rows = WebhookEndpoint.objects.select_related("org")
    endpoint = rows.filter(public_id=facts["endpoint"]).first()
    if endpoint is None or endpoint.disabled_at is None:
        return None
    org_name = one_line(endpoint.org.name, _NAME_SHOWN)
    return Written(
        f"Webhooks of {org_name} were disabled",
        _KIND,
        {
            "org_name": org_name,
            # Of the address only the host: the rest may hold a token.
            "host": urlsplit(endpoint.url).hostname,
            "why": _WHY[DisabledReason(endpoint.disabled_reason)],
            "docs": f"{settings.PUBLIC_BASE_URL}/docs/api",
        },
    )


register(_KIND, webhook_disabled)
