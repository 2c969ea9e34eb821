"""Is the process up, and could it do work?"""

from collections.abc import Callable
from typing import Literal, TypedDict

from celery import current_app
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from kombu.exceptions import OperationalError
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from rest_framework.decorators import (
    api_view,
    authentication_classes,
    permission_classes,
)
from rest_framework.request import Request
from rest_framework.response import Response

from batchrouter.web.capabilities import capabilities


def healthz(_request: HttpRequest) -> JsonResponse:
    """Answer while the process lives."""
    return JsonResponse({"status": "ok"})


def readyz(_request: HttpRequest) -> JsonResponse:
    """Answer 200 when all that work needs is ready, else 503 and what is not."""
    body = readiness()
    return JsonResponse(body, status=200 if body["status"] == "ok" else 503)


class Readiness(TypedDict):
    """What work needs, each ``ok`` or a word for its trouble, and notes of the apps."""

    status: Literal["ok", "unavailable"]
    checks: dict[str, str]
    notes: dict[str, str]


def readiness() -> Readiness:
    """Look at all that work needs; it may take seconds where something is down."""
    database = _database()
    checks = {
        "database": database,
        "migrations": _migrations() if database == "ok" else "unknown",
        "broker": _broker(),
    }
    ready = all(state == "ok" for state in checks.values())
    return {
        "status": "ok" if ready else "unavailable",
        "checks": checks,
        "notes": _noted() if database == "ok" else {},
    }


@extend_schema(
    operation_id="runtime_capabilities",
    tags=["Runtime"],
    auth=[],
    responses=OpenApiTypes.OBJECT,
)
@api_view(["GET"])
@authentication_classes([])
@permission_classes([])
def runtime_capabilities(_request: Request) -> Response:
    """Answer the optional features, each with a reason where it is off."""
    return Response(capabilities())


def metrics(_request: HttpRequest) -> HttpResponse:
    """Answer Prometheus' text format."""
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def register_note(name: str, word: Callable[[], str]) -> None:
    """Let an app say a word in ``/readyz`` that takes nobody out of service."""
    _notes[name] = word


_notes: dict[str, Callable[[], str]] = {}


def _noted() -> dict[str, str]:
    try:
        return {name: word() for name, word in _notes.items()}
    except DatabaseError:
        return {}


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "unreachable"
    return "ok"


def _migrations() -> str:
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return "unknown"
    return "ok" if not pending else f"{len(pending)} pending"


def _broker() -> str:
    if not settings.REDIS_URL:
        return "ok" if settings.BROKER_DIR.exists() else "missing"
    try:
        with current_app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, timeout=2)
    except (OperationalError, OSError):
        return "unreachable"
    return "ok"
