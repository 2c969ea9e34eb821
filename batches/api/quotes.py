"""POST /v1/batches/quote and GET /v1/quotes/{id}."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_base import OrgView
from accounts.models import Scope
from batches.api import schemas
from batches.models import Quote
from batches.rendering import batch_json
from batches.selectors import batch_of, quote_of
from batches.services.manifests import take_manifest
from batches.services.quoting import quote_manifest
from batches.services.sample_runs import ITEMS_MAX, run_sample, sample_run_json
from batches.states import QuoteState
from batchrouter.kit import clock
from batchrouter.kit.errors import InvalidRequest
from batchrouter.web.idempotency import Effect, run_once
from billing.selectors import funding_preview


def quote_json(quote: Quote) -> dict[str, Any]:
    """Return a quote with its present state and funding."""
    is_over = quote.state == QuoteState.ACTIVE and clock.now() >= quote.valid_until
    return {
        **quote.reply,
        "state": QuoteState.EXPIRED if is_over else quote.state,
        "sample_run": sample_run_json(quote, now=clock.now()),
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


class QuoteSample(OrgView):
    """The first rows of a quote on the house, once for an organization."""

    scope = Scope.SUBMIT

    @extend_schema(
        operation_id="quote_sample",
        tags=["Quotes"],
        parameters=[schemas.IDEMPOTENCY_KEY],
        request=schemas.SampleBody,
        responses={
            202: schemas.BatchReply,
            **schemas.errors(400, 401, 403, 404, 409, 410, 422),
        },
    )
    def post(self, request: Request, quote_id: str) -> Response:
        """Run up to five rows free of charge; their results are previews."""
        quote = quote_of(self.org, quote_id)
        count = _sample_items(self.body)

        def effect() -> Effect:
            made = run_sample(quote, item_count=count, now=clock.now())
            batch = batch_of(self.org, made.public_id)
            return Effect(202, batch_json(batch, now=clock.now()), batch.public_id)

        return run_once(
            request, org_id=self.org.pk, endpoint="quotes.sample", effect=effect
        )


def _sample_items(body: dict[str, Any]) -> int:
    for name in body:
        if name != "items":
            raise InvalidRequest(f"There is no field {name[:64]!r} here.", param=name)
    count = body.get("items", ITEMS_MAX)
    if type(count) is not int or not 1 <= count <= ITEMS_MAX:
        raise InvalidRequest(f"items is a number, 1 to {ITEMS_MAX}.", param="items")
    return count
