"""Doors that give secrets away, each to another place, and one that only crashes."""

import logging
from typing import Any

from django.core.mail import EmailMessage
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.public import PublicView
from accounts.models import Org
from batchrouter import urls
from batchrouter.kit.errors import InvalidRequest
from batchrouter.kit.jobs import Job, enqueue_on_commit

log = logging.getLogger(__name__)


def _password(request: Request) -> str:
    sent: Any = request.data
    return str(sent["password"])


class Crash(PublicView):
    """Fails, with everything that was sent in its exception."""

    def post(self, request: Request) -> Response:
        sent: Any = request.data
        raise RuntimeError(f"cannot take {dict(request.headers)} with {sent}")


class TellsLog(PublicView):
    """Logs a password in a sentence, which no pattern can know."""

    def post(self, request: Request) -> Response:
        log.info("the password %s was tried", _password(request))
        return Response({})


class HandsKeyToLog(PublicView):
    """Logs a key, which our lines blot out and other handlers would not."""

    def post(self, request: Request) -> Response:
        log.info("called by %s", request.headers["Authorization"])
        return Response({})


class TellsCaller(PublicView):
    """Repeats a password in its refusal."""

    def post(self, request: Request) -> Response:
        raise InvalidRequest(f"{_password(request)} is too short.")


class TellsDatabase(PublicView):
    """Keeps a key."""

    def post(self, request: Request) -> Response:
        Org.objects.create(name=request.headers["Authorization"])
        return Response({})


class TellsBroker(PublicView):
    """Rings with a key among the ids."""

    def post(self, request: Request) -> Response:
        key: Any = request.headers["Authorization"]
        enqueue_on_commit(Job.SWEEP, key=key)
        return Response({})


class TellsSubject(PublicView):
    """Writes a password into the subject of a mail."""

    def post(self, request: Request) -> Response:
        subject = f"Welcome with {_password(request)}"
        EmailMessage(subject, "", None, ["ada@example.com"]).send()
        return Response({})


urlpatterns = [
    path("v1/canary/crash", Crash.as_view()),
    path("v1/canary/log", TellsLog.as_view()),
    path("v1/canary/key-in-log", HandsKeyToLog.as_view()),
    path("v1/canary/reply", TellsCaller.as_view()),
    path("v1/canary/database", TellsDatabase.as_view()),
    path("v1/canary/broker", TellsBroker.as_view()),
    path("v1/canary/subject", TellsSubject.as_view()),
    *urls.urlpatterns,
]
