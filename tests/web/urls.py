"""Addresses for the tests of the web glue: one effect, two lists, and some crashes."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api_base import OrgView
from accounts.models import ApiKey, Org, Scope
from batchrouter import urls
from batchrouter.kit.errors import BatchRouterError, InvalidRequest
from batchrouter.web.idempotency import Effect, run_once
from batchrouter.web.pagination import page_of

handler400 = urls.handler400
handler403 = urls.handler403
handler404 = urls.handler404
handler500 = urls.handler500

SECRET = "what a provider said"


class Busy(BatchRouterError):
    """A refusal that says when to come back."""

    code = "busy"
    status = 429
    error_type = "rate_limit_error"


class Echo(APIView):
    """Answer the body that was read."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []

    def post(self, request: Request) -> Response:
        return Response({"read": request.data})


class Raising(APIView):
    """Raise what the address names."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []

    def get(self, _request: Request, kind: str) -> Response:
        raise {
            "crash": RuntimeError(SECRET),
            "away": OperationalError(SECRET),
            "busy": Busy("Too busy.", details={"retry_after_seconds": 7}),
            "refusal": InvalidRequest("No.", param="x", details={"line": 3}),
            "denied": PermissionDenied(SECRET),
            "suspicious": SuspiciousOperation(SECRET),
        }[kind]


def crash(_request: HttpRequest) -> HttpResponse:
    """Crash outside DRF."""
    raise RuntimeError(SECRET)


def only_put(_request: HttpRequest) -> HttpResponse:
    """Refuse a method as Django does."""
    return HttpResponseNotAllowed(["PUT"])


class Things(OrgView):
    """Make an organization by name: an effect that can be counted."""

    scope = Scope.SUBMIT

    def post(self, request: Request) -> Response:
        sent: dict[str, Any] = dict(request.data)

        def effect() -> Effect:
            name = str(sent.get("name"))
            made = Org.objects.create(name=name)
            if name.startswith("refused"):
                raise InvalidRequest("This name is refused.", param="name")
            return Effect(201, {"id": made.public_id, "name": name}, made.public_id)

        return run_once(
            request, org_id=self.org.pk, endpoint=self.endpoint, effect=effect
        )

    endpoint = "things.create"


class OtherThings(Things):
    """The same effect at another address."""

    endpoint = "other-things.create"


def _render(key: ApiKey) -> Mapping[str, Any]:
    return {"id": key.public_id}


class Keys(OrgView):
    """The organization's keys, newest first."""

    scope = Scope.READ
    list_name = "keys"

    def get(self, request: Request) -> Response:
        page = page_of(
            ApiKey.objects.filter(org=self.org),
            request,
            org_id=self.org.pk,
            list_name=self.list_name,
            render=_render,
        )
        return Response(page)


class OtherKeys(Keys):
    """The same rows as another list."""

    list_name = "other-keys"


urlpatterns = [
    path("v1/echo", Echo.as_view()),
    path("v1/raising/<str:kind>", Raising.as_view()),
    path("v1/crash", crash),
    path("v1/only-put", only_put),
    path("crash", crash),
    path("v1/things", Things.as_view()),
    path("v1/other-things", OtherThings.as_view()),
    path("v1/keys", Keys.as_view()),
    path("v1/other-keys", OtherKeys.as_view()),
    *urls.urlpatterns,
]
