"""Addresses that tell who called, one for each way to declare a scope."""

from typing import Any

from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_base import OrgView
from accounts.models import Scope
from batchrouter import urls


class Whoami(OrgView):
    """Tell whom a request acts for."""

    scopes = {"GET": Scope.READ, "POST": Scope.SUBMIT}

    def get(self, _request: Request) -> Response:
        return self._answer()

    def post(self, _request: Request) -> Response:
        return self._answer()

    def _answer(self) -> Response:
        caller = self.caller
        told: dict[str, Any] = {
            "org": self.org.public_id,
            "user": caller.user.public_id if caller.user else None,
            "key": caller.key.public_id if caller.key else None,
            "auth_method": caller.auth_method,
            "is_test": caller.is_test,
            "scopes": sorted(caller.scopes),
        }
        return Response(told)


class Undeclared(OrgView):
    """A view that forgot to declare a scope."""

    def get(self, _request: Request) -> Response:
        return Response({})


class Scoped(OrgView):
    """A view of one scope, named in the address's pattern."""

    def get(self, _request: Request) -> Response:
        return Response({})


urlpatterns = [
    path("v1/whoami", Whoami.as_view()),
    path("v1/undeclared", Undeclared.as_view()),
    *(
        path(f"v1/scoped/{scope}", Scoped.as_view(scope=scope))
        for scope in Scope.values
    ),
    *urls.urlpatterns,
]
