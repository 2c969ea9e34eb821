"""Remember when and from where a cookie was last used, once a minute at most."""

from collections.abc import Callable

from allauth.usersessions.models import UserSession
from django.http import HttpRequest, HttpResponse

from accounts.adapter import client_ip
from accounts.models import User
from batchrouter.kit import clock

_EVERY_SECONDS = 60
_SEEN = "seen_at"
_USER_AGENT_MAX = 200


class SessionSeenMiddleware:
    """Touch the row of the session after the reply, for the list of sessions."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        # Reading a session that nobody has touched would make its reply uncacheable.
        if request.session.accessed and isinstance(request.user, User):
            _touch(request)
        return response


def _touch(request: HttpRequest) -> None:
    now = clock.now()
    seconds = int(now.timestamp())
    # In the session itself, which was read anyway: most requests cost no query.
    if seconds - int(request.session.get(_SEEN, 0)) < _EVERY_SECONDS:
        return
    request.session[_SEEN] = seconds
    UserSession.objects.filter(session_key=request.session.session_key).update(
        last_seen_at=now,
        ip=client_ip(request) or "0.0.0.0",  # noqa: S104 # no address is bound
        user_agent=user_agent(request),
    )


def user_agent(request: HttpRequest) -> str:
    """Return what the client calls itself, cut to what is kept."""
    return request.headers.get("User-Agent", "")[:_USER_AGENT_MAX]
