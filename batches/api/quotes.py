"""POST /v1/batches/quote and GET /v1/quotes/{id}."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_base import OrgView
from accounts.models import Scope
from batches.api import schemas
from batches.models import Quote
from batches.selectors import quote_of
from batches.services.manifests import take_manifest
from batches.services.quoting import quote_manifest
from batches.states import QuoteState
from batchrouter.kit import clock
from billing.selectors import funding_preview


def quote_json(quote: Quote) -> dict[str, Any]:
    """Return a quote with its present state and funding."""
    is_over = quote.state == QuoteState.ACTIVE and clock.now() >= quote.valid_until
    return {
        **quote.reply,
        "state": QuoteState.EXPIRED if is_over else quote.state,
        "funding_preview": funding_preview(quote.org, quote.total_nanousd),
    }


class QuoteCreate(OrgView):
    """Price a manifest, free and binding for ten minutes."""

    scope = Scope.QUOTE

    @extend_schema(
        operation_id="quote_create",
        tags=["Quotes"],
        request=schemas.ManifestBody,
        responses={200: schemas.QuoteReply, **schemas.errors(400, 401, 403, 422)},
    )
    def post(self, request: Request) -> Response:
        """Quote a manifest."""
        now = clock.now()
        spec, manifest = take_manifest(self.body, org=self.org, now=now)
        quote = quote_manifest(
            org=self.org,
            manifest=manifest,
            spec=spec,
            is_test=self.caller.is_test,
            now=now,
        )
        return Response(quote_json(quote))


class QuoteDetail(OrgView):
    """A quote that was made before."""

    scope = Scope.READ

    @extend_schema(
        operation_id="quote_retrieve",
        tags=["Quotes"],
        responses={200: schemas.QuoteReply, **schemas.errors(401, 403, 404)},
    )
    def get(self, _request: Request, quote_id: str) -> Response:
        """Return a quote."""
        return Response(quote_json(quote_of(self.org, quote_id)))
