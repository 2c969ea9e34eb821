"""GET /v1/billing/statements and one month of them, as JSON or as CSV."""

from collections.abc import Iterable
from typing import Any, ClassVar

import orjson
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_base import OrgView
from accounts.models import Org
from batchrouter.kit import clock
from batchrouter.kit.clock import iso
from batchrouter.kit.money import MoneyJSON
from batchrouter.web.pagination import (
    list_json,
    make_cursor,
    read_page,
)
from batchrouter.web.renderers import JSONRenderer
from billing.months import Month, parse_month
from billing.schemas import MoneySchema
from billing.statement_csv import exact, statement_csv
from billing.statements import (
    Holding,
    KindSum,
    StatementHead,
    StatementLine,
    held_before,
    statement,
    statement_entries,
    statement_lines,
    statement_months,
)


class CsvRenderer(BaseRenderer):
    """Names the media type for content negotiation; the view streams by itself."""

    media_type = "text/csv"
    format = "csv"
    charset = None

    def render(self, data: Any, *_args: Any) -> bytes:
        """Write an error that was raised before the stream began."""
        return orjson.dumps(data)


class HoldingSchema(serializers.Serializer[None]):
    """What there was at an instant, with all nine places."""

    available = MoneySchema()
    reserved = MoneySchema()
    total = MoneySchema()


class StatementHeadSchema(serializers.Serializer[None]):
    """A month that has entries."""

    object = serializers.CharField(help_text="always statement")
    month = serializers.CharField(help_text="2026-11; it ends at midnight UTC")
    entry_count = serializers.IntegerField()
    opening_balance = HoldingSchema()
    closing_balance = HoldingSchema()


class StatementListSchema(serializers.Serializer[None]):
    """Every month that has entries, the newest first."""

    object = serializers.CharField(help_text="always list")
    data = StatementHeadSchema(many=True)  # type: ignore[assignment]
    has_more = serializers.BooleanField(help_text="always false")
    next_cursor = serializers.CharField(allow_null=True)


class StatementSumSchema(serializers.Serializer[None]):
    """All entries of one kind."""

    kind = serializers.CharField()
    count = serializers.IntegerField()
    available_change = MoneySchema()
    reserved_change = MoneySchema()
    usage_charged = MoneySchema()
    service_fee_charged = MoneySchema()


class StatementEntrySchema(serializers.Serializer[None]):
    """One entry, and what there was after it."""

    id = serializers.CharField(help_text="ltx_…")
    kind = serializers.CharField()
    purpose = serializers.CharField(allow_null=True)
    reason = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    available_change = MoneySchema()
    reserved_change = MoneySchema()
    usage_charged = MoneySchema()
    service_fee_charged = MoneySchema()
    balance_after = HoldingSchema()


class StatementEntryPageSchema(serializers.Serializer[None]):
    """A page of entries, the oldest first."""

    object = serializers.CharField(help_text="always list")
    data = StatementEntrySchema(many=True)  # type: ignore[assignment]
    has_more = serializers.BooleanField()
    next_cursor = serializers.CharField(allow_null=True)


class StatementSchema(StatementHeadSchema):
    """A month: the balances around it, its sums by kind and a page of its entries."""

    totals = StatementSumSchema(many=True)
    entries = StatementEntryPageSchema()


class StatementList(OrgView):
    """GET /v1/billing/statements."""

    scope: ClassVar[str | None] = "billing"

    @extend_schema(
        operation_id="billing_statements",
        summary="Months that have ledger entries, newest first",
        responses=StatementListSchema,
    )
    def get(self, request: Request) -> Response:
        """List the months, each with its opening and closing balance."""
        heads = [_head_json(head) for head in statement_months(self.org)]
        return Response(list_json(heads, has_more=False, next_cursor=None))


class StatementDetail(OrgView):
    """GET /v1/billing/statements/{month}."""

    scope: ClassVar[str | None] = "billing"
    renderer_classes = [JSONRenderer, CsvRenderer]

    @extend_schema(
        operation_id="billing_statement",
        summary="A month's statement, as JSON or as CSV",
        parameters=[
            OpenApiParameter("limit", int, description="1 to 100, 100 if left out"),
            OpenApiParameter("cursor", str, description="next_cursor of the entries"),
            OpenApiParameter("format", str, enum=["json", "csv"]),
        ],
        responses={
            (200, "application/json"): StatementSchema,
            (200, "text/csv"): OpenApiTypes.STR,
        },
    )
    def get(self, request: Request, month: str) -> Response | StreamingHttpResponse:
        """Show one month; as CSV all of it, as JSON a page of its entries."""
        wanted = parse_month(month)
        if request.accepted_renderer.format == "csv":
            return csv_reply(self.org, wanted)
        found = statement(self.org, wanted, now=clock.now())
        return Response(
            _head_json(found.head)
            | {
                "totals": [_sum_json(kind) for kind in found.sums],
                "entries": self._entries(request, wanted, found.head.opening),
            }
        )

    def _entries(
        self, request: Request, month: Month, opening: Holding
    ) -> dict[str, Any]:
        page = read_page(
            request, list_name=f"{self.org.pk}:statement:{month}", limit_default=100
        )
        entries = statement_entries(self.org, month)
        if page.after is not None:
            entries = entries.filter(id__gt=page.after)
            opening = held_before(self.org, month, page.after + 1)
        ids = list(entries.values_list("id", flat=True)[: page.limit + 1])
        has_more = len(ids) > page.limit
        shown = entries.filter(id__in=ids[: page.limit])
        cursor = make_cursor(ids[page.limit - 1], page.binding) if has_more else None
        return list_json(
            [_line_json(line) for line in statement_lines(shown, opening)],
            has_more=has_more,
            next_cursor=cursor,
        )


def csv_reply(org: Org, month: Month) -> StreamingHttpResponse:
    """Answer a month as a file, streamed."""
    head = statement(org, month, now=clock.now()).head
    lines = statement_lines(statement_entries(org, month), head.opening)
    return csv_file(statement_csv(head, lines), name=f"statement-{month}")


def csv_file(chunks: Iterable[bytes], *, name: str) -> StreamingHttpResponse:
    """Answer CSV as a file to keep, streamed."""
    return StreamingHttpResponse(
        chunks,
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}.csv"',
            "X-Content-Type-Options": "nosniff",
        },
    )


def _exact_json(nanousd: int) -> MoneyJSON:
    return {"amount": exact(nanousd), "currency": "usd"}


def _holding_json(held: Holding) -> dict[str, MoneyJSON]:
    return {
        "available": _exact_json(held.available_nanousd),
        "reserved": _exact_json(held.reserved_nanousd),
        "total": _exact_json(held.total_nanousd),
    }


def _head_json(head: StatementHead) -> dict[str, Any]:
    return {
        "object": "statement",
        "month": str(head.month),
        "entry_count": head.entry_count,
        "opening_balance": _holding_json(head.opening),
        "closing_balance": _holding_json(head.closing),
    }


def _sum_json(kind: KindSum) -> dict[str, Any]:
    return {"kind": kind.kind, "count": kind.count, **_changes_json(kind)}


def _line_json(line: StatementLine) -> dict[str, Any]:
    return {
        "id": line.public_id,
        "kind": line.kind,
        "purpose": line.purpose or None,
        "reason": line.reason or None,
        "created_at": iso(line.created_at),
        **_changes_json(line),
        "balance_after": _holding_json(line.after),
    }


def _changes_json(moved: KindSum | StatementLine) -> dict[str, MoneyJSON]:
    return {
        "available_change": _exact_json(moved.change.available_nanousd),
        "reserved_change": _exact_json(moved.change.reserved_nanousd),
        "usage_charged": _exact_json(moved.usage_nanousd),
        "service_fee_charged": _exact_json(moved.fee_nanousd),
    }
