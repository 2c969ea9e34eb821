"""API keys of the organization: list, make, rotate, revoke.

A reply that is repeated for its ``Idempotency-Key`` says which key was made but not
its secret: no secret is kept, not even for a repetition. Who lost it rotates the key.
"""

from datetime import datetime

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import schemas_keys as schemas
from accounts.api.key_bodies import read_overlap, read_wish
from accounts.api_base import OrgView
from accounts.key_making import make_key, replace_key
from accounts.key_rendering import key_json, new_key_json
from accounts.keys import NewKey, key_of, keys_of, revoke_key
from accounts.models import Scope
from batchrouter.kit import clock
from batchrouter.web.idempotency import Effect, run_once
from batchrouter.web.pagination import page_of
from batchrouter.web.schemas import IDEMPOTENCY_KEY, PAGE, errors


class KeyList(OrgView):
    """GET and POST /v1/auth/account/api-keys."""

    scope = Scope.ADMIN

    @extend_schema(
        operation_id="api_key_list",
        tags=["API keys"],
        summary="List API keys, newest first",
        parameters=PAGE,
        responses={200: schemas.KeyListReply, **errors(400, 401, 403)},
    )
    def get(self, request: Request) -> Response:
        """List the organization's keys, ended ones too; never a secret."""
        now = clock.now()
        page = page_of(
            keys_of(self.org),
            request,
            org_id=self.org.pk,
            list_name="api_keys",
            render=lambda key: key_json(key, now=now),
        )
        return Response(page)

    @extend_schema(
        operation_id="api_key_create",
        tags=["API keys"],
        summary="Make an API key; its secret is shown this once",
        parameters=[IDEMPOTENCY_KEY],
        request=schemas.KeyBody,
        responses={201: schemas.NewKey, **errors(400, 401, 403, 409, 422)},
    )
    def post(self, request: Request) -> Response:
        """Make a key that can do no more than the caller.

        A key's own keys end with it at the latest and share its spend limit. A reply
        repeated for its Idempotency-Key has ``api_key: null``.
        """
        now = clock.now()

        def effect() -> Effect:
            made = make_key(self.caller, read_wish(self.body), now=now)
            return _shown_once(made, now=now)

        return run_once(
            request, org_id=self.org.pk, endpoint="api_keys.create", effect=effect
        )


class KeyDetail(OrgView):
    """GET and DELETE /v1/auth/account/api-keys/{key_id}."""

    scope = Scope.ADMIN

    @extend_schema(
        operation_id="api_key_retrieve",
        tags=["API keys"],
        summary="Show an API key",
        responses={200: schemas.Key, **errors(401, 403, 404)},
    )
    def get(self, request: Request, key_id: str) -> Response:
        """Show a key without its secret."""
        return Response(key_json(key_of(self.org, key_id), now=clock.now()))

    @extend_schema(
        operation_id="api_key_revoke",
        tags=["API keys"],
        summary="Revoke an API key",
        responses={204: None, **errors(401, 403, 404)},
    )
    def delete(self, request: Request, key_id: str) -> Response:
        """End a key for good; the next request with it is refused."""
        revoke_key(key_of(self.org, key_id), now=clock.now())
        return Response(status=204)


class KeyRotation(OrgView):
    """POST /v1/auth/account/api-keys/{key_id}/rotate."""

    scope = Scope.ADMIN

    @extend_schema(
        operation_id="api_key_rotate",
        tags=["API keys"],
        summary="Replace an API key; both work during the overlap",
        parameters=[IDEMPOTENCY_KEY],
        request=schemas.RotateBody,
        responses={201: schemas.NewKey, **errors(400, 401, 403, 404, 409, 422)},
    )
    def post(self, request: Request, key_id: str) -> Response:
        """Make a key like this one, which ends after the overlap.

        They share one spend limit. A reply repeated for its Idempotency-Key has
        ``api_key: null``.
        """
        key, now = key_of(self.org, key_id), clock.now()

        def effect() -> Effect:
            overlap = read_overlap(self.body)
            made = replace_key(self.caller, key, overlap=overlap, now=now)
            return _shown_once(made, now=now)

        return run_once(
            request,
            org_id=self.org.pk,
            endpoint=f"api_keys.rotate:{key.public_id}",
            effect=effect,
        )


def _shown_once(made: NewKey, *, now: datetime) -> Effect:
    body = new_key_json(made, now=now)
    return Effect(201, body, made.row.public_id, kept=body | {"api_key": None})
