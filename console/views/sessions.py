"""Where the person is logged in."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.sessions import Here, end_other_sessions, end_session, sessions_of
from batchrouter.kit import clock
from batchrouter.kit.errors import NotFound
from console.current import person
from console.presenters.sessions import session_line


@require_safe
@login_required
@never_cache
def session_list(request: HttpRequest) -> HttpResponse:
    """GET /account/sessions."""
    found = sessions_of(person(request), here=_here(request), now=clock.now())
    context = {"sessions": [session_line(facts) for facts in found]}
    return render(request, "console/sessions.html", context)


@require_POST
@login_required
def end(request: HttpRequest, session_id: str) -> HttpResponse:
    """POST /account/sessions/{id}/end."""
    try:
        end_session(person(request), session_id)
    except NotFound as error:
        raise Http404(error.message) from error
    messages.success(request, "That session is ended.")
    return redirect("account-sessions")


@require_POST
@login_required
def end_others(request: HttpRequest) -> HttpResponse:
    """POST /account/sessions/end-others."""
    ended = end_other_sessions(person(request), here=_here(request))
    words = "One other session is" if ended == 1 else f"{ended} other sessions are"
    messages.success(request, f"{words} ended.")
    return redirect("account-sessions")


def _here(request: HttpRequest) -> Here:
    return Here(session_key=request.session.session_key)
