"""Imports of past jobs at other providers: the baseline of the optimization report."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_base import OrgView
from accounts.models import Scope
from batches.api import schemas
from batches.import_rendering import import_json
from batches.selectors import import_of, imports_of
from batches.services import importing
from batchrouter.kit import clock
from batchrouter.kit.errors import InvalidRequest
from batchrouter.web.fields import Fields
from batchrouter.web.idempotency import Effect, run_once
from batchrouter.web.pagination import page_of, single_value

_ID_LENGTH_MAX = 64


class ImportList(OrgView):
    """Import a file of past jobs, or list imports."""

    scopes = {"GET": Scope.READ, "POST": Scope.SUBMIT}

    @extend_schema(
        operation_id="import_create",
        tags=["Reports"],
        parameters=[schemas.IDEMPOTENCY_KEY],
        request=schemas.ImportBody,
        responses={
            200: schemas.ImportReply,
            202: schemas.ImportReply,
            **schemas.errors(400, 401, 403, 409, 422),
        },
    )
    def post(self, request: Request) -> Response:
        """Import a file: 202 when it is new, 200 when its content is known already."""
        body = Fields(self.body, "provider", "file_id", "window")
        provider = body.choice("provider", importing.PROVIDERS)
        file_id = body.text("file_id", longest=_ID_LENGTH_MAX)
        now = clock.now()
        window = importing.read_window(self.body.get("window"), now=now)

        def effect() -> Effect:
            made, is_new = importing.create_import(
                self.org, provider=provider, file_id=file_id, window=window, now=now
            )
            return Effect(202 if is_new else 200, import_json(made), made.public_id)

        return run_once(
            request, org_id=self.org.pk, endpoint="imports.create", effect=effect
        )

    @extend_schema(
        operation_id="import_list",
        tags=["Reports"],
        parameters=[
            *schemas.PAGE,
            OpenApiParameter("provider", str, enum=list(importing.PROVIDERS)),
        ],
        responses={200: schemas.ImportListReply, **schemas.errors(400, 401, 403)},
    )
    def get(self, request: Request) -> Response:
        """List the organization's imports, newest first."""
        rows = imports_of(self.org)
        provider = single_value(request, "provider")
        if provider is not None:
            rows = rows.filter(provider=known_provider(provider, "provider"))
        page = page_of(
            rows,
            request,
            org_id=self.org.pk,
            list_name="imports",
            render=import_json,
        )
        return Response(page)


class ImportDetail(OrgView):
    """One import."""

    scopes = {"GET": Scope.READ, "DELETE": Scope.SUBMIT}

    @extend_schema(
        operation_id="import_retrieve",
        tags=["Reports"],
        responses={200: schemas.ImportReply, **schemas.errors(401, 403, 404)},
    )
    def get(self, _request: Request, import_id: str) -> Response:
        """Return how far an import is, and what came of it."""
        return Response(import_json(import_of(self.org, import_id)))

    @extend_schema(
        operation_id="import_delete",
        tags=["Reports"],
        responses={200: schemas.DeletedReply, **schemas.errors(401, 403, 404, 409)},
    )
    def delete(self, _request: Request, import_id: str) -> Response:
        """Forget an import and all that was counted by it."""
        importing.delete_import(import_of(self.org, import_id))
        return Response({"id": import_id, "object": "import", "deleted": True})


def known_provider(name: str, param: str) -> str:
    """Return a provider whose jobs can be imported.

    Raises:
        InvalidRequest: they cannot.
    """
    if name not in importing.PROVIDERS:
        raise InvalidRequest(
            f"{param} is one of {', '.join(importing.PROVIDERS)}.", param=param
        )
    return name
