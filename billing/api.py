"""The money of the calling organization, read only."""

from typing import Any, ClassVar

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_base import OrgView
from batchrouter.web.pagination import page_of
from billing import selectors
from billing.overview import (
    low_balance_json,
    overview_balance_json,
    spending_json,
)
from billing.packs import packs_on_sale
from billing.profiles import billing_email
from billing.receipts import public_keys
from billing.rendering import (
    ledger_json,
    pack_json,
    profile_json,
    reservation_json,
    top_up_json,
)
from billing.schemas import (
    BillingOverviewSchema,
    LedgerPageSchema,
    ReservationPageSchema,
)

PAGE = [
    OpenApiParameter("limit", int, description="1 to 100, 20 where left out"),
    OpenApiParameter("cursor", str, description="next_cursor of the page before"),
]
# What the overview shows; the lists have the rest.
RECENT = 10


class BillingOverview(OrgView):
    """GET /v1/billing."""

    scope: ClassVar[str | None] = "billing"

    @extend_schema(
        summary="Balance, packs, recent ledger entries, top-ups, open reservations",
        responses=BillingOverviewSchema,
    )
    def get(self, request: Request) -> Response:
        """Show the balance, the last ledger entries and what is held and why."""
        recent = selectors.ledger_of(self.org)[:RECENT]
        held = selectors.open_reservations_of(self.org)[:RECENT]
        bought = selectors.top_ups_of(self.org)[:RECENT]
        body: dict[str, Any] = {
            "billing_profile": profile_json(self.org, billing_email(self.org)),
            "credit_packs": [pack_json(pack) for pack in packs_on_sale()],
            "balance": overview_balance_json(self.org),
            "low_balance": low_balance_json(self.org),
            "spending": spending_json(),
            "recent_ledger": [ledger_json(entry) for entry in recent],
            "reservations": [reservation_json(row) for row in held],
            "top_ups": [top_up_json(row) for row in bought],
        }
        return Response(body)


class LedgerList(OrgView):
    """GET /v1/billing/ledger."""

    scope: ClassVar[str | None] = "billing"

    @extend_schema(
        summary="Ledger entries, newest first",
        parameters=PAGE,
        responses=LedgerPageSchema,
    )
    def get(self, request: Request) -> Response:
        """List what changed the organization's credits."""
        return Response(
            page_of(
                selectors.ledger_of(self.org),
                request,
                org_id=self.org.pk,
                list_name="ledger",
                render=ledger_json,
            )
        )


class ReservationList(OrgView):
    """GET /v1/billing/reservations."""

    scope: ClassVar[str | None] = "billing"

    @extend_schema(
        summary="Reservations, newest first",
        parameters=PAGE,
        responses=ReservationPageSchema,
    )
    def get(self, request: Request) -> Response:
        """List what is or was held, for what and why."""
        return Response(
            page_of(
                selectors.reservations_of(self.org),
                request,
                org_id=self.org.pk,
                list_name="reservations",
                render=reservation_json,
            )
        )


@require_safe
@cache_control(public=True, max_age=3600)
def signing_keys(request: HttpRequest) -> JsonResponse:
    """GET /.well-known/batchrouter-keys.json: the keys to check receipts with."""
    return JsonResponse({"keys": public_keys()})
