"""The admin, for staff with a second factor only (failure catalogue K10)."""

from collections.abc import Callable, Iterable
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar, cast

from allauth.account.authentication import get_authentication_records
from django.contrib import messages
from django.contrib.admin import AdminSite, ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from accounts.models import User
from accounts.operator_actions import SAFE_METHODS, begin, finish
from batchrouter.kit import clock

_MIRROR = "djstripe"

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


class OperatorSite(AdminSite):
    """Django's admin behind our own login and a code."""

    site_header = "BatchRouter operators"
    site_title = "BatchRouter operators"
    index_title = "What operators look after"

    def register(
        self,
        model_or_iterable: type[Model] | Iterable[type[Model]],
        admin_class: type[ModelAdmin[Any]] | None = None,
        **options: Any,
    ) -> None:
        """Take models as Django does, but the mirror's: Stripe's facts are Stripe's."""
        given = (
            [model_or_iterable]
            if isinstance(model_or_iterable, type)
            else list(model_or_iterable)
        )
        kept = [model for model in given if model._meta.app_label != _MIRROR]
        super().register(kept, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        """Tell whether staff logged in with a second factor."""
        return super().has_permission(request) and used_second_factor(request)

    def admin_view(self, view: View, cacheable: bool = False) -> View:  # noqa: FBT001, FBT002 Django's
        """Guard a page as Django does, and note what operators do on it."""
        return super().admin_view(_noted(view), cacheable)

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Send people to where they get what they lack."""
        user = request.user
        if isinstance(user, User) and user.is_active and user.is_staff:
            messages.info(
                request,
                "The admin asks for a second factor. Set one up here, then log out and "
                "in again with its code.",
            )
            return redirect("mfa_index")
        if isinstance(user, User):
            messages.error(request, "The admin is for operators of this server.")
            return redirect("home")
        return redirect(f"{reverse('account_login')}?next={reverse('admin:index')}")


def _noted(view: View) -> View:
    """Let every unsafe request be written down before the view sees it."""

    @wraps(view)
    def noted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user = request.user
        if request.method in SAFE_METHODS or not isinstance(user, User):
            return view(request, *args, **kwargs)
        action = begin(request, user, now=clock.now())
        try:
            response = view(request, *args, **kwargs)
        except PermissionDenied:
            finish(action, status=HTTPStatus.FORBIDDEN)
            raise
        finish(action, status=response.status_code)
        return response

    return cast("View", noted)


def used_second_factor(request: HttpRequest) -> bool:
    """Tell whether this session was opened, or renewed, with a code."""
    if not isinstance(request.user, User):
        return False
    records = get_authentication_records(request, request.user)
    return any(record.get("method") == "mfa" for record in records)
