"""GET /v1/batches/optimization-report."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_base import OrgView
from accounts.models import Scope
from batches.api import schemas
from batches.api.imports import known_provider
from batches.services.importing import PROVIDERS
from batches.services.reporting import WINDOWS, report_of
from batchrouter.kit import clock
from batchrouter.kit.errors import InvalidRequest
from batchrouter.web.pagination import single_value


class OptimizationReport(OrgView):
    """What routing saved, and what to change next."""

    scope = Scope.READ

    @extend_schema(
        operation_id="optimization_report",
        tags=["Reports"],
        parameters=[
            OpenApiParameter("import_provider", str, enum=list(PROVIDERS)),
            OpenApiParameter("days", int, enum=list(WINDOWS)),
        ],
        responses={200: schemas.ReportReply, **schemas.errors(400, 401, 403)},
    )
    def get(self, request: Request) -> Response:
        """Report on the last 30, 7 or 90 days against imported jobs."""
        name = single_value(request, "import_provider") or PROVIDERS[0]
        provider = known_provider(name, "import_provider")
        report = report_of(
            self.org,
            import_provider=provider,
            days=_days(single_value(request, "days")),
            now=clock.now(),
        )
        return Response({"optimization_report": report})


def _days(sent: str | None) -> int:
    known = {str(days): days for days in WINDOWS}
    if sent is None:
        return WINDOWS[0]
    if sent not in known:
        raise InvalidRequest(f"days is one of {', '.join(known)}.", param="days")
    return known[sent]
