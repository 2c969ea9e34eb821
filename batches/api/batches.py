"""Batches: create, list, read, cancel, timeline, receipts."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_base import OrgView
from accounts.models import Org, Scope
from accounts.permissions import ScopeRequired
from batches.api import filters, schemas
from batches.api.quotes import quote_json
from batches.api.retry_bodies import read_retry
from batches.models import Batch
from batches.rendering import batch_json, batch_summary, event_json
from batches.selectors import batch_of, batches_of, events_of
from batches.services.cancellation import cancel_batch
from batches.services.creation import Order, create_batch, retry_batch, retry_quote
from batches.services.retention import REQUEST, delete_content
from batches.states import BatchState
from batchrouter.kit import clock
from batchrouter.kit.errors import InvalidRequest, NotFound
from batchrouter.web.idempotency import Effect, run_once
from batchrouter.web.pagination import page_of, single_value
from billing.receipts import receipt_json
from billing.selectors import receipt_for


class BatchList(OrgView):
    """Submit a batch, or list them."""

    scopes = {"GET": Scope.READ, "POST": Scope.SUBMIT}

    @extend_schema(
        operation_id="batch_create",
        tags=["Batches"],
        parameters=[schemas.IDEMPOTENCY_KEY],
        request=schemas.BatchCreateBody,
        responses={
            202: schemas.BatchReply,
            **schemas.errors(400, 401, 402, 403, 409, 410, 422),
        },
    )
    def post(self, request: Request) -> Response:
        """Submit a manifest or a quote; the quote's total is reserved at once."""
        order = Order(org=self.org, key=self.caller.key, is_test=self.caller.is_test)

        def effect() -> Effect:
            batch = create_batch(order, self.body, now=clock.now())
            body = batch_json(batch, now=clock.now())
            return Effect(202, body, batch.public_id)

        # The keys of the sandbox are not those of live work.
        endpoint = "batches.create.test" if self.caller.is_test else "batches.create"
        return run_once(request, org_id=self.org.pk, endpoint=endpoint, effect=effect)

    @extend_schema(
        operation_id="batch_list",
        tags=["Batches"],
        parameters=[
            *schemas.PAGE,
            OpenApiParameter("state", str, enum=[str(state) for state in BatchState]),
            OpenApiParameter("created_after", str, description="ISO 8601 instant"),
        ],
        responses={200: schemas.BatchListReply, **schemas.errors(400, 401, 403)},
    )
    def get(self, request: Request) -> Response:
        """List the organization's batches, newest first."""
        rows = filters.filter_batches(request, batches_of(self.org))
        now = clock.now()
        page = page_of(
            rows,
            request,
            org_id=self.org.pk,
            list_name="batches",
            render=lambda batch: batch_summary(batch, now=now),
        )
        return Response(page)


class BatchDetail(OrgView):
    """One batch."""

    scopes = {"GET": Scope.READ, "DELETE": Scope.SUBMIT}

    @extend_schema(
        operation_id="batch_retrieve",
        tags=["Batches"],
        parameters=[OpenApiParameter("include_billing_receipt", bool)],
        responses={200: schemas.BatchReply, **schemas.errors(401, 403, 404)},
    )
    def get(self, request: Request, batch_id: str) -> Response:
        """Return a batch: state, counts, progress, work units, files."""
        batch = batch_of(self.org, batch_id)
        body = batch_json(batch, now=clock.now())
        wanted = single_value(request, "include_billing_receipt")
        if wanted not in {None, "true", "false"}:
            raise InvalidRequest(
                "include_billing_receipt is true or false.",
                param="include_billing_receipt",
            )
        if wanted == "true":
            body["billing_receipt"] = _receipt_or_none(self.org, batch, "billing")
        return Response(body)

    @extend_schema(
        operation_id="batch_delete",
        tags=["Batches"],
        responses={
            200: schemas.BatchDeletedReply,
            **schemas.errors(401, 403, 404, 409),
        },
    )
    def delete(self, _request: Request, batch_id: str) -> Response:
        """Delete the inputs and outputs of an ended batch, and sign a note of it.

        Counts, receipts and the timeline stay. Asking again gives the same note.
        """
        batch = batch_of(self.org, batch_id)
        note = delete_content(batch, cause=REQUEST, now=clock.now())
        return Response(
            {
                "id": batch.public_id,
                "object": "batch",
                "deleted": True,
                "deletion_note": dict(note),
            }
        )


class BatchCancel(OrgView):
    """Stop a batch."""

    scope = Scope.CANCEL

    @extend_schema(
        operation_id="batch_cancel",
        tags=["Batches"],
        request=None,
        responses={202: schemas.BatchReply, **schemas.errors(401, 403, 404, 409)},
    )
    def post(self, _request: Request, batch_id: str) -> Response:
        """Stop a batch; asking twice is harmless."""
        batch = batch_of(self.org, batch_id)
        cancel_batch(batch, now=clock.now())
        fresh = batch_of(self.org, batch_id)
        return Response(batch_json(fresh, now=clock.now()), status=202)


class BatchRetry(OrgView):
    """Run unfinished items of an ended batch again."""

    scope = Scope.QUOTE

    @extend_schema(
        operation_id="batch_retry",
        tags=["Batches"],
        parameters=[schemas.IDEMPOTENCY_KEY],
        request=schemas.RetryBody,
        responses={
            200: schemas.QuoteReply,
            202: schemas.BatchReply,
            **schemas.errors(400, 401, 402, 403, 404, 409, 410, 422),
        },
    )
    def post(self, request: Request, batch_id: str) -> Response:
        """Quote just those items, or run them at once with ``submit``.

        ``submit`` needs the scope ``submit`` too. The results of this batch then show
        of each item the best row of all attempts.
        """
        batch = batch_of(self.org, batch_id)
        wanted, submits = read_retry(self.body)
        if submits:
            self._require_submit()
        order = Order(org=self.org, key=self.caller.key, is_test=self.caller.is_test)

        def effect() -> Effect:
            now = clock.now()
            if not submits:
                quote = retry_quote(order, batch, wanted, now=now)
                return Effect(200, quote_json(quote), quote.public_id)
            child = retry_batch(order, batch, wanted, now=now)
            return Effect(202, batch_json(child, now=now), child.public_id)

        mode = ".test" if self.caller.is_test else ""
        endpoint = f"batches.retry{mode}:{batch.public_id}"
        return run_once(request, org_id=self.org.pk, endpoint=endpoint, effect=effect)

    def _require_submit(self) -> None:
        if Scope.SUBMIT not in self.caller.scopes:
            raise ScopeRequired(
                f"Submitting a retry needs the scope {str(Scope.SUBMIT)!r}.",
                details={"scope": Scope.SUBMIT},
            )


class BatchEvents(OrgView):
    """The timeline of a batch."""

    scope = Scope.READ

    @extend_schema(
        operation_id="batch_events",
        tags=["Batches"],
        parameters=schemas.PAGE,
        responses={200: schemas.ListReply, **schemas.errors(400, 401, 403, 404)},
    )
    def get(self, request: Request, batch_id: str) -> Response:
        """List what happened, newest first."""
        batch = batch_of(self.org, batch_id)
        page = page_of(
            events_of(batch),
            request,
            org_id=self.org.pk,
            list_name=f"events:{batch.pk}",
            render=event_json,
        )
        return Response(page)


class RouteReceipt(OrgView):
    """How a batch was routed, signed."""

    scope = Scope.READ

    @extend_schema(
        operation_id="batch_route_receipt",
        tags=["Receipts"],
        responses={200: schemas.ReceiptReply, **schemas.errors(401, 403, 404)},
    )
    def get(self, _request: Request, batch_id: str) -> Response:
        """Return the route receipt of an ended batch."""
        return Response(_receipt(self.org, batch_of(self.org, batch_id), "route"))


class BillingReceipt(OrgView):
    """What a batch cost, signed."""

    scope = Scope.READ

    @extend_schema(
        operation_id="batch_billing_receipt",
        tags=["Receipts"],
        responses={200: schemas.ReceiptReply, **schemas.errors(401, 403, 404)},
    )
    def get(self, _request: Request, batch_id: str) -> Response:
        """Return the billing receipt of an ended batch."""
        return Response(_receipt(self.org, batch_of(self.org, batch_id), "billing"))


class DeletionNote(OrgView):
    """What content of a batch was deleted, signed."""

    scope = Scope.READ

    @extend_schema(
        operation_id="batch_deletion_note",
        tags=["Receipts"],
        responses={200: schemas.ReceiptReply, **schemas.errors(401, 403, 404)},
    )
    def get(self, _request: Request, batch_id: str) -> Response:
        """Return the note of a batch whose content was deleted."""
        batch = batch_of(self.org, batch_id)
        note = _receipt_or_none(self.org, batch, "deletion")
        if note is None:
            raise ContentNotDeleted("Nothing of this batch was deleted.")
        return Response(note)


class ContentNotDeleted(NotFound):
    """There is no deletion note, because nothing was deleted."""

    code = "content_not_deleted"


class ReceiptNotReady(NotFound):
    """Receipts are signed when the batch has ended."""

    code = "receipt_not_ready"


def _receipt(org: Org, batch: Batch, kind: str) -> dict[str, Any]:
    found = _receipt_or_none(org, batch, kind)
    if found is None:
        raise ReceiptNotReady(
            f"The batch is {batch.state}; receipts are signed when it has ended."
        )
    return found


def _receipt_or_none(org: Org, batch: Batch, kind: str) -> dict[str, Any] | None:
    receipt = receipt_for(org, kind=kind, purpose=batch.purpose)
    return None if receipt is None else dict(receipt_json(receipt))
