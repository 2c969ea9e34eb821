"""GET /v1/batches/optimization-report."""

from random import Random

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_base import OrgView
from accounts.models import Scope
from batches.api import schemas
from batches.api.imports import known_provider
from batches.services.importing import PROVIDERS
from batches.services.reporting import optimization_report
from batchrouter.kit import clock
from batchrouter.web.pagination import single_value


class OptimizationReport(OrgView):
    """What routing saved, and what to change next."""

    scope = Scope.READ

    @extend_schema(
        operation_id="optimization_report",
        tags=["Reports"],
        parameters=[OpenApiParameter("import_provider", str, enum=list(PROVIDERS))],
        responses={200: schemas.ReportReply, **schemas.errors(400, 401, 403)},
    )
    def get(self, request: Request) -> Response:
        """Report on the last 30 days against imported jobs."""
        name = single_value(request, "import_provider") or PROVIDERS[0]
        provider = known_provider(name, "import_provider")
        report = optimization_report(
            self.org,
            import_provider=provider,
            now=clock.now(),
            # The same facts give the same report.
            chance=Random(self.org.pk),  # noqa: S311 # draws samples, guards nothing
        )
        return Response({"optimization_report": report})
