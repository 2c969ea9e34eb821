"""The mailbox of development: what would have been sent. There is none in production.

An agent reads ``/dev/inbox/token?to=…`` by curl and needs no browser.
"""

from itertools import islice
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from batchrouter.mail.folder import StoredLetter, newest_letters, stored_letter

_SHOWN_MAX = 100
# A mail is no page of ours: its links open elsewhere, and nothing in it runs or loads.
_MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
_NOTHING_YET = "No mail yet. It is sent within seconds; ask again.\n"


@require_safe
@never_cache
def letter_list(request: HttpRequest) -> HttpResponse:
    """GET /dev/inbox, newest first."""
    to = request.GET.get("to", "")
    letters = list(islice(newest_letters(_folder(), to=to), _SHOWN_MAX))
    return render(request, "console/inbox.html", {"letters": letters, "to": to})


@require_safe
@never_cache
def letter_detail(request: HttpRequest, mail_id: str) -> HttpResponse:
    """GET /dev/inbox/<mail_id>."""
    letter = _found(stored_letter(_folder(), mail_id))
    return render(request, "console/inbox_mail.html", {"letter": letter})


@xframe_options_sameorigin
@require_safe
@never_cache
def letter_html(_request: HttpRequest, mail_id: str) -> HttpResponse:
    """GET /dev/inbox/<mail_id>/html: what the page of the letter frames."""
    response = HttpResponse(_found(stored_letter(_folder(), mail_id)).html)
    response.headers["Content-Security-Policy"] = _MAIL_POLICY
    return response


@require_safe
@never_cache
def latest(request: HttpRequest) -> HttpResponse:
    """GET /dev/inbox/latest?to=ADDRESS."""
    letter = _newest(request)
    if letter is None:
        return _nothing_yet()
    return JsonResponse(
        {
            "id": letter.mail_id,
            "to": letter.to,
            "subject": letter.subject,
            "text": letter.text,
            "token": letter.token,
        }
    )


@require_safe
@never_cache
def latest_token(request: HttpRequest) -> HttpResponse:
    """GET /dev/inbox/token?to=ADDRESS: nothing but the token of the newest mail."""
    letter = _newest(request)
    if letter is None or letter.token is None:
        return _nothing_yet()
    return HttpResponse(letter.token, content_type="text/plain; charset=utf-8")


def _folder() -> Path:
    """Return the folder of mail; where mail goes elsewhere there is no page."""
    if settings.MAIL_DIR is None:
        raise Http404
    return settings.MAIL_DIR


def _newest(request: HttpRequest) -> StoredLetter | None:
    return next(newest_letters(_folder(), to=request.GET.get("to", "")), None)


def _found(letter: StoredLetter | None) -> StoredLetter:
    if letter is None:
        raise Http404
    return letter


def _nothing_yet() -> HttpResponse:
    return HttpResponse(
        _NOTHING_YET, status=404, content_type="text/plain; charset=utf-8"
    )
