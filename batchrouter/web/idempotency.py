"""Run an effect once per key, and give its first reply again.

The record is the first statement of the effect's own transaction: losers wait on the
unique index, then replay. A refusal rolls the record back, so the key stays unused.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
import psycopg
from django.conf import settings
from django.db import OperationalError, connection, transaction
from rest_framework.request import Request
from rest_framework.response import Response

from batchrouter.kit import hashing
from batchrouter.kit.errors import Conflict, InvalidRequest
from batchrouter.web.models import IdempotencyRecord

_KEY = re.compile(r"\A[\x21-\x7e]{1,255}\Z")
KEPT_DAYS = 30


class IdempotencyKeyReused(InvalidRequest):
    """The key came before, with another body."""

    code = "idempotency_key_reused"
    status = 422


class IdempotencyInProgress(Conflict):
    """The first request with this key is still running."""

    code = "idempotency_in_progress"


@dataclass(frozen=True)
class Effect:
    """What a request did: the reply and the id of the object it made.

    Attributes:
        kept: what a repetition hears, where the reply holds a secret.
    """

    status: int
    body: dict[str, Any]
    effect_id: str
    kept: dict[str, Any] | None = None


def read_key(request: Request) -> str | None:
    """Read ``Idempotency-Key``.

    Raises:
        InvalidRequest: not 1 to 255 visible ASCII characters.
    """
    key = request.headers.get("Idempotency-Key")
    if key is not None and not _KEY.match(key):
        raise InvalidRequest(
            "Idempotency-Key must be 1 to 255 visible ASCII characters.",
            param="Idempotency-Key",
        )
    return key


def run_once(
    request: Request,
    *,
    org_id: int,
    endpoint: str,
    effect: Callable[[], Effect],
) -> Response:
    """Do ``effect`` in a transaction, at most once per key of this org and endpoint.

    Raises:
        IdempotencyKeyReused, IdempotencyInProgress, and what the effect raises.
    """
    key = read_key(request)
    if key is None:
        with transaction.atomic():
            done = effect()
        return Response(done.body, status=done.status)
    canonical = hashing.canonical_json(request.data)
    fingerprint = hashing.sha256_hex(canonical)
    with transaction.atomic():
        record = _claim(org_id, endpoint, key, fingerprint)
        if record.status is not None:
            return _replay(record, fingerprint)
        done = effect()
        record.status = done.status
        record.body = orjson.dumps(done.body if done.kept is None else done.kept)
        record.effect_id = done.effect_id
        record.save(update_fields=["status", "body", "effect_id"])
    return Response(done.body, status=done.status)


def forget_expired(*, now: datetime) -> int:
    """Delete the records that are older than we promise to keep; return how many."""
    oldest = now - timedelta(days=KEPT_DAYS)
    return IdempotencyRecord.objects.filter(created_at__lt=oldest).delete()[0]


def _claim(org_id: int, endpoint: str, key: str, fingerprint: str) -> IdempotencyRecord:
    """Return the key's record: ours and without a reply, or another's and done."""
    with connection.cursor() as cursor:
        wait_ms = int(settings.IDEMPOTENCY_WAIT_MS)
        cursor.execute(f"SET LOCAL lock_timeout = {wait_ms}")
    record = IdempotencyRecord(
        org_id=org_id, endpoint=endpoint, key=key, fingerprint=fingerprint
    )
    known = IdempotencyRecord.objects.filter(org_id=org_id, endpoint=endpoint, key=key)
    found = None
    try:
        # One that stood in the way may be forgotten before it is read.
        while found is None:
            IdempotencyRecord.objects.bulk_create([record], ignore_conflicts=True)
            found = known.first()
    except OperationalError as error:
        if not isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
            raise
        raise IdempotencyInProgress(
            "The first request with this Idempotency-Key is still running.",
            details={"retry_after_seconds": 2},
        ) from error
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = 0")
    return found


def _replay(record: IdempotencyRecord, fingerprint: str) -> Response:
    if record.fingerprint != fingerprint:
        raise IdempotencyKeyReused(
            "This Idempotency-Key came before with another body.",
            param="Idempotency-Key",
        )
    response = Response(bytes(record.body or b""), status=record.status)
    response["Idempotent-Replayed"] = "true"
    return response
