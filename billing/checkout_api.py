"""Checkout sessions, top-ups and the billing profile of the calling organization."""

from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_base import OrgView
from batchrouter.kit import clock
from batchrouter.kit.errors import InvalidRequest
from batchrouter.web.idempotency import read_key
from batchrouter.web.pagination import page_of
from billing import selectors
from billing.api import PAGE
from billing.checkout import open_checkout
from billing.profiles import set_billing_email
from billing.rendering import (
    checkout_json,
    checkout_status_json,
    profile_json,
    top_up_json,
)
from billing.schemas import (
    BillingProfileBody,
    BillingProfileSchema,
    CheckoutBody,
    CheckoutSchema,
    CheckoutStatusSchema,
    TopUpPageSchema,
)

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="1 to 255 visible ASCII characters. The same key and body give the "
    "first session again.",
)


class CheckoutSessionList(OrgView):
    """POST /v1/billing/checkout-sessions."""

    scope: ClassVar[str | None] = "billing"

    @extend_schema(
        summary="Open a hosted payment page for a credit pack",
        parameters=[IDEMPOTENCY_KEY],
        request=CheckoutBody,
        responses={201: CheckoutSchema},
    )
    def post(self, request: Request) -> Response:
        """Sell a pack; credits are posted when Stripe tells us that it was paid."""
        opened = open_checkout(
            org=self.org,
            pack_code=_only_text(self.body, "pack_code"),
            request_key=read_key(request) or "",
            now=clock.now(),
        )
        response = Response(checkout_json(opened.session), status=201)
        if opened.is_replay:
            response["Idempotent-Replayed"] = "true"
        return response


class CheckoutSessionDetail(OrgView):
    """GET /v1/billing/checkout-sessions/{id}."""

    scope: ClassVar[str | None] = "billing"

    @extend_schema(
        summary="How far a checkout session is; posts nothing",
        responses=CheckoutStatusSchema,
    )
    def get(self, _request: Request, checkout_id: str) -> Response:
        """Tell whether it was paid and whether its credits are posted."""
        session = selectors.checkout_of(self.org, checkout_id)
        return Response(checkout_status_json(session))


class TopUpList(OrgView):
    """GET /v1/billing/top-ups."""

    scope: ClassVar[str | None] = "billing"

    @extend_schema(
        summary="Top-ups, newest first", parameters=PAGE, responses=TopUpPageSchema
    )
    def get(self, request: Request) -> Response:
        """List the credits that were bought."""
        return Response(
            page_of(
                selectors.top_ups_of(self.org),
                request,
                org_id=self.org.pk,
                list_name="top-ups",
                render=top_up_json,
            )
        )


class BillingProfileDetail(OrgView):
    """PATCH /v1/billing/profile."""

    scope: ClassVar[str | None] = "billing"

    @extend_schema(
        summary="Set the address used for the next checkout sessions",
        request=BillingProfileBody,
        responses=BillingProfileSchema,
    )
    def patch(self, _request: Request) -> Response:
        """Set the billing address; null removes it."""
        body = dict(self.body)
        if "billing_email" in body and body["billing_email"] is None:
            body["billing_email"] = ""
        email = _only_text(body, "billing_email", may_be_empty=True)
        profile = set_billing_email(org=self.org, email=email)
        return Response(profile_json(self.org, profile.billing_email))


def _only_text(body: dict[str, Any], name: str, *, may_be_empty: bool = False) -> str:
    """Read the one field that a body holds.

    Raises:
        InvalidRequest: it is missing or no text, or there is another field.
    """
    unknown = sorted(body.keys() - {name})
    if unknown:
        shown = unknown[0][:80]
        raise InvalidRequest(f"There is no field {shown!r} here.", param=shown)
    value = body.get(name)
    if not isinstance(value, str) or not (value or may_be_empty):
        raise InvalidRequest(f"{name} must be text.", param=name)
    return value
