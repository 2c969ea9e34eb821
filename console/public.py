"""Pages for everybody, which caches between us and a visitor may keep for a minute."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Concatenate, ParamSpec, TypeAlias, cast

from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.views.decorators.http import require_safe

CACHE_SECONDS = 60

Rest = ParamSpec("Rest")
View: TypeAlias = Callable[Concatenate[HttpRequest, Rest], HttpResponse]

_gzip = GZipMiddleware(lambda _request: HttpResponse())


def public_page(view: View[Rest]) -> View[Rest]:
    """Let shared caches keep what a visitor without a login sees.

    The theme and the login are cookies, so the cookie tells the versions apart.
    """

    def guarded(
        request: HttpRequest, *args: Rest.args, **kwargs: Rest.kwargs
    ) -> HttpResponse:
        is_personal = request.user.is_authenticated or len(get_messages(request)) > 0
        response = view(request, *args, **kwargs)
        patch_vary_headers(response, ["Cookie"])
        if is_personal:
            patch_cache_control(response, private=True, no_cache=True)
            return response
        if response.status_code == 200:
            patch_cache_control(response, public=True, max_age=CACHE_SECONDS)
        # Nothing secret stands beside what a visitor sent, so lengths tell nothing.
        return cast("HttpResponse", _gzip.process_response(request, response))

    return cast("View[Rest]", require_safe(update_wrapper(guarded, view)))


def choice(
    request: HttpRequest, name: str, allowed: "list[str] | tuple[str, ...]"
) -> str:
    """Read a filter of a page; a word that is none of the choices is no filter."""
    value = request.GET.get(name, "")
    return value if value in allowed else ""
