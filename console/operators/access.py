"""Who may see an operators' page."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

View = Callable[..., HttpResponse]


def operator_page(permission: str) -> Callable[[View], Callable[..., HttpResponseBase]]:
    """Let staff with a second factor and this permission in, as the admin does.

    What they send is written down before the view sees it.
    """

    def decorate(view: View) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def allowed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            require(request, permission)
            return view(request, *args, **kwargs)

        return admin.site.admin_view(allowed)

    return decorate


def require(request: HttpRequest, permission: str) -> None:
    """Refuse an operator who lacks a permission.

    Raises:
        PermissionDenied.
    """
    if not request.user.has_perm(permission):
        raise PermissionDenied("Your account lacks the permission for this page.")
