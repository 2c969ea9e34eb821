"""Addresses that are wrong, each in its own way: the walk must catch every one."""

from typing import Any

from django.urls import path
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.public import PublicView
from accounts.api_base import OrgView
from accounts.models import Org, Scope, User
from batches.models import Batch
from batchrouter import urls


class Undeclared(OrgView):
    """Forgot its scope for one of its methods."""

    scopes = {"GET": Scope.READ}

    def get(self, _request: Request) -> Response:
        return Response({})

    def post(self, _request: Request) -> Response:
        return Response({})


class QuietlyPublic(PublicView):
    """Is open to everybody, and nobody has said why."""

    def get(self, _request: Request) -> Response:
        return Response({})


class Unknown(OrgView):
    """Has an id of a kind that nobody has told the walk."""

    scope = Scope.READ

    def get(self, _request: Request, gadget_id: str) -> Response:
        return Response({})


class ForAll(OrgView):
    """Finds anybody's batch."""

    scope = Scope.READ

    def get(self, _request: Request, batch_id: str) -> Response:
        batch = Batch.objects.filter(public_id=batch_id).first()
        return Response({"id": batch_id}, status=404 if batch is None else 200)


class ListsAll(OrgView):
    """Lists everybody's batches."""

    scope = Scope.READ

    def get(self, _request: Request) -> Response:
        return Response({"data": list(Batch.objects.values_list("public_id"))})


class WritesFirst(OrgView):
    """Leaves a row behind before it refuses."""

    scope = Scope.SUBMIT

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        Org.objects.create(name="left behind")
        super().initial(request, *args, **kwargs)

    def post(self, _request: Request) -> Response:
        return Response({})


class Unchecked(OrgView):
    """Declares a scope and does not ask for it."""

    scope = Scope.ADMIN
    permission_classes = [AllowAny]

    def post(self, _request: Request) -> Response:
        return Response({})


class NoCsrf(OrgView):
    """Takes a cookie without its CSRF token, and before a key."""

    scope = Scope.READ

    def perform_authentication(self, request: Request) -> None:
        person = request._request.user
        if isinstance(person, User):
            # What a hand-written check of the session would let through.
            self.permission_classes = [AllowAny]
            request.authenticators = []
        super().perform_authentication(request)

    def post(self, _request: Request) -> Response:
        return Response({})


class Crashes(OrgView):
    """Falls over for whoever may call it."""

    scope = Scope.READ

    def get(self, _request: Request) -> Response:
        raise RuntimeError


urlpatterns = [
    path("v1/broken/undeclared", Undeclared.as_view()),
    path("v1/broken/public", QuietlyPublic.as_view()),
    path("v1/broken/gadgets/<str:gadget_id>", Unknown.as_view()),
    path("v1/broken/batches/<str:batch_id>", ForAll.as_view()),
    path("v1/broken/list", ListsAll.as_view()),
    path("v1/broken/writes", WritesFirst.as_view()),
    path("v1/broken/unchecked", Unchecked.as_view()),
    path("v1/broken/no-csrf", NoCsrf.as_view()),
    path("v1/broken/crashes", Crashes.as_view()),
    *urls.urlpatterns,
]
