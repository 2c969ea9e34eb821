"""What became of letters after they were sent, by Resend's signed webhooks."""

from typing import Any

from anymail.signals import AnymailTrackingEvent
from anymail.webhooks.resend import ResendTrackingWebhookView
from django.conf import settings
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from batchrouter.kit import clock
from batchrouter.mail.deliveries import Fate, note_fate

# https://resend.com/docs/webhooks/event-types (read 2026-11-22); others are no news.
_FATES = {
    "email.delivered": Fate.DELIVERED,
    "email.bounced": Fate.BOUNCED,
    "email.failed": Fate.BOUNCED,
    "email.suppressed": Fate.BOUNCED,
    "email.complained": Fate.COMPLAINED,
}
_anymail_view = ResendTrackingWebhookView.as_view()


@csrf_exempt
def resend(request: HttpRequest) -> HttpResponseBase:
    """POST /webhooks/mail/resend; there is no such address without its secret."""
    if not settings.ANYMAIL["RESEND_SIGNING_SECRET"]:
        raise Http404
    response: HttpResponseBase = _anymail_view(request)
    return response


def receive(event: AnymailTrackingEvent, **_more: Any) -> None:
    """Note one event whose signature was right; anymail's signal calls this."""
    kind = event.esp_event["type"]
    fate = _FATES.get(kind)
    if fate is None:
        return
    note_fate(
        fate,
        letter_id=str(event.metadata.get("letter", "")),
        provider_message_id=event.message_id or "",
        is_final=kind != "email.failed" and _is_permanent(event),
        now=clock.now(),
    )


def _is_permanent(event: AnymailTrackingEvent) -> bool:
    """Tell an address that is none from a full mailbox, which may empty itself."""
    bounce = event.esp_event["data"].get("bounce") or {}
    return str(bounce.get("type", "Permanent")) == "Permanent"
