"""Checkout sessions, top-ups and the billing profile of the calling organization."""

from typing import ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_base import OrgView
from batchrouter.kit import clock
from batchrouter.web.fields import Fields
from batchrouter.web.idempotency import read_key
from batchrouter.web.pagination import page_of
from billing import selectors
from billing.api import PAGE
from billing.checkout import open_checkout
from billing.profiles import billing_email, change_profile
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
            pack_code=Fields(self.body, "pack_code").text("pack_code"),
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
        summary="Set the address of the next checkouts, and when to warn",
        request=BillingProfileBody,
        responses=BillingProfileSchema,
    )
    def patch(self, _request: Request) -> Response:
        """Change what is sent; a billing_email of null removes the address."""
        sent = Fields(self.body, "billing_email", "low_balance_threshold")
        change_profile(
            self.org,
            email=sent.optional_text("billing_email")
            if "billing_email" in sent
            else None,
            threshold_nanousd=sent.nanousd("low_balance_threshold"),
        )
        return Response(profile_json(self.org, billing_email(self.org)))
