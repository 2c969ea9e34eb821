"""Webhooks: the organization's address and secret, deliveries, a test, once more.

A reply that is repeated for its ``Idempotency-Key`` holds no secret: none is kept.
"""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_base import OrgView
from accounts.models import Scope
from batches.api import schemas
from batches.api import webhook_schemas as shapes
from batches.delivery import rendering, selectors
from batches.selectors import batch_of
from batches.services import delivery as webhooks
from batchrouter.kit import clock
from batchrouter.web.fields import Fields
from batchrouter.web.idempotency import Effect, run_once
from batchrouter.web.pagination import page_of, single_value

_URL_MAX = 2048
_SECRET_MAX = 256


def _secret(fields: Fields) -> str | None:
    """Read a secret; one that is there and empty is refused like any that is short."""
    if "secret" not in fields:
        return None
    return fields.optional_text("secret", longest=_SECRET_MAX)


class DefaultWebhook(OrgView):
    """GET, PUT and DELETE /v1/auth/account/delivery-webhook."""

    scopes = {"GET": Scope.READ, "PUT": Scope.ADMIN, "DELETE": Scope.ADMIN}

    @extend_schema(
        operation_id="delivery_webhook_retrieve",
        tags=["Webhooks"],
        responses={200: shapes.WebhookReply, **schemas.errors(401, 403)},
    )
    def get(self, _request: Request) -> Response:
        """Show where events go that no batch has an address for; never a secret."""
        return Response(self._shown())

    @extend_schema(
        operation_id="delivery_webhook_set",
        tags=["Webhooks"],
        request=shapes.WebhookBody,
        responses={200: shapes.WebhookReply, **schemas.errors(400, 401, 403)},
    )
    def put(self, _request: Request) -> Response:
        """Set the address. The first secret is made by us and shown this once.

        An address that was disabled is tried again.
        """
        fields = Fields(self.body, "url", "secret")
        shown = webhooks.set_default(
            self.org,
            url=fields.text("url", longest=_URL_MAX),
            secret=_secret(fields),
            now=clock.now(),
        )
        return Response(self._shown(shown.secret))

    @extend_schema(
        operation_id="delivery_webhook_remove",
        tags=["Webhooks"],
        responses={204: None, **schemas.errors(401, 403, 404)},
    )
    def delete(self, _request: Request) -> Response:
        """Forget the address; what is on its way there is still sent."""
        webhooks.remove_default(self.org)
        return Response(status=204)

    def _shown(self, secret: str | None = None) -> dict[str, object]:
        webhook = selectors.webhook_of(self.org, now=clock.now())
        return rendering.webhook_json(webhook, secret=secret)


class DefaultWebhookTest(OrgView):
    """POST /v1/auth/account/delivery-webhook/test."""

    scope = Scope.ADMIN

    @extend_schema(
        operation_id="delivery_webhook_test",
        tags=["Webhooks"],
        parameters=[schemas.IDEMPOTENCY_KEY],
        request=None,
        responses={
            202: shapes.Delivery,
            **schemas.errors(400, 401, 403, 404, 409, 422),
        },
    )
    def post(self, request: Request) -> Response:
        """Send an ``endpoint.test`` event; ask for the delivery to see what came."""

        def effect() -> Effect:
            Fields(self.body)
            sent = webhooks.send_test(self.org, now=clock.now())
            return Effect(202, rendering.delivery_json(sent), sent.public_id)

        return run_once(
            request, org_id=self.org.pk, endpoint="delivery_webhook.test", effect=effect
        )


class DefaultWebhookRotation(OrgView):
    """POST /v1/auth/account/delivery-webhook/rotate-secret."""

    scope = Scope.ADMIN

    @extend_schema(
        operation_id="delivery_webhook_rotate_secret",
        tags=["Webhooks"],
        parameters=[schemas.IDEMPOTENCY_KEY],
        request=shapes.RotateSecretBody,
        responses={200: shapes.WebhookReply, **schemas.errors(400, 401, 403, 409, 422)},
    )
    def post(self, request: Request) -> Response:
        """Replace the organization's secret; for a day both sign.

        An organization without one gets its first. A reply repeated for its
        Idempotency-Key has ``secret: null``.
        """

        def effect() -> Effect:
            given = _secret(Fields(self.body, "secret"))
            new = webhooks.rotate_secret(self.org, secret=given, now=clock.now())
            webhook = selectors.webhook_of(self.org, now=clock.now())
            kept = rendering.webhook_json(webhook)
            shown = kept if given is not None else kept | {"secret": new}
            return Effect(200, shown, str(kept["id"] or self.org.public_id), kept=kept)

        return run_once(
            request,
            org_id=self.org.pk,
            endpoint="delivery_webhook.rotate_secret",
            effect=effect,
        )


class DeliveryList(OrgView):
    """GET /v1/webhook-deliveries."""

    scope = Scope.READ

    @extend_schema(
        operation_id="webhook_delivery_list",
        tags=["Webhooks"],
        parameters=[*schemas.PAGE, OpenApiParameter("batch_id", str)],
        responses={200: shapes.DeliveryListReply, **schemas.errors(400, 401, 403, 404)},
    )
    def get(self, request: Request) -> Response:
        """List deliveries, newest first; those of one batch where it is named."""
        rows = selectors.deliveries_of(self.org)
        batch_id = single_value(request, "batch_id")
        if batch_id is not None:
            rows = rows.filter(batch=batch_of(self.org, batch_id))
        page = page_of(
            rows,
            request,
            org_id=self.org.pk,
            list_name="webhook_deliveries",
            render=rendering.delivery_json,
        )
        return Response(page)


class DeliveryDetail(OrgView):
    """GET /v1/webhook-deliveries/{delivery_id}."""

    scope = Scope.READ

    @extend_schema(
        operation_id="webhook_delivery_retrieve",
        tags=["Webhooks"],
        responses={200: shapes.FullDelivery, **schemas.errors(401, 403, 404)},
    )
    def get(self, _request: Request, delivery_id: str) -> Response:
        """Show a delivery, its tries and what is sent."""
        delivery = selectors.delivery_of(self.org, delivery_id)
        tries = selectors.attempts_to(self.org, delivery)
        return Response(rendering.full_delivery_json(delivery, tries))


class DeliveryReplay(OrgView):
    """POST /v1/webhook-deliveries/{delivery_id}/replay."""

    scope = Scope.ADMIN

    @extend_schema(
        operation_id="webhook_delivery_replay",
        tags=["Webhooks"],
        parameters=[schemas.IDEMPOTENCY_KEY],
        request=None,
        responses={
            202: shapes.Delivery,
            **schemas.errors(400, 401, 403, 404, 409, 422),
        },
    )
    def post(self, request: Request, delivery_id: str) -> Response:
        """Send an ended delivery's event again, with the same id and bytes."""
        delivery = selectors.delivery_of(self.org, delivery_id)

        def effect() -> Effect:
            Fields(self.body)
            webhooks.replay(delivery, now=clock.now())
            again = selectors.delivery_of(self.org, delivery_id)
            return Effect(202, rendering.delivery_json(again), again.public_id)

        return run_once(
            request,
            org_id=self.org.pk,
            endpoint=f"webhook_deliveries.replay:{delivery.public_id}",
            effect=effect,
        )


class BatchAttempts(OrgView):
    """GET /v1/batches/{batch_id}/delivery-attempts."""

    scope = Scope.READ

    @extend_schema(
        operation_id="batch_delivery_attempts",
        tags=["Webhooks"],
        parameters=schemas.PAGE,
        responses={200: shapes.AttemptListReply, **schemas.errors(400, 401, 403, 404)},
    )
    def get(self, request: Request, batch_id: str) -> Response:
        """List every try to tell of a batch, newest first."""
        batch = batch_of(self.org, batch_id)
        page = page_of(
            selectors.attempts_of(batch),
            request,
            org_id=self.org.pk,
            list_name=f"delivery_attempts:{batch.pk}",
            render=rendering.attempt_json,
        )
        return Response(page)
