"""The reader's choice of light or dark."""

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from batchrouter.web.theme import COOKIE, COOKIE_SECONDS, theme_named


# Exempt from the token, which would keep public pages, all of which carry this form,
# out of caches: the page that it was sent from proves whose form it is.
@csrf_exempt
@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """POST /theme: remember the choice and go back to the page."""
    # Our pages tell each other where a form was sent from (SECURE_REFERRER_POLICY).
    page = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(page, allowed_hosts={request.get_host()}):
        raise PermissionDenied("The form was sent from another site.")
    response = redirect(page)
    response.set_cookie(
        COOKIE,
        theme_named(request.POST.get("theme")),
        max_age=COOKIE_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response
