"""GET /v1/batches/{id}/results: a page of rows, or all of them as lines."""

from collections.abc import Iterator
from typing import Any

import orjson
from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_base import OrgView
from accounts.models import Scope
from batches.api import schemas
from batches.content import ContentDeleted, check_content
from batches.families import Attempts
from batches.models import Batch
from batches.selectors import (
    attempts_of,
    batch_of,
    progress_of,
    row_page,
    stream_rows,
)
from batches.states import BATCH_TERMINAL, RowStatus
from batchrouter.kit.errors import InvalidRequest
from batchrouter.web.pagination import make_cursor, read_page, single_value
from batchrouter.web.renderers import JSONRenderer


class LinesRenderer(BaseRenderer):
    """Names the media type for content negotiation; the view streams by itself."""

    media_type = "application/x-ndjson"
    format = "ndjson"
    charset = None

    def render(self, data: Any, *_args: Any) -> bytes:
        """Write an error that was raised before the stream began."""
        return orjson.dumps(data)


class BatchResults(OrgView):
    """The rows of a batch, in the order of its input."""

    scope = Scope.READ
    renderer_classes = [JSONRenderer, LinesRenderer]

    @extend_schema(
        operation_id="batch_results",
        tags=["Results"],
        parameters=[
            *schemas.PAGE,
            OpenApiParameter("status", str, enum=[str(state) for state in RowStatus]),
            OpenApiParameter("include", str, enum=["raw"]),
        ],
        responses={
            200: schemas.ResultsReply,
            **schemas.errors(400, 401, 403, 404, 410),
        },
    )
    def get(self, request: Request, batch_id: str) -> Response | StreamingHttpResponse:
        """Return the rows that exist now; a running batch says ``complete: false``.

        Of a batch that was retried, each item's best row of all attempts, which
        ``attempt`` names.

        As ``application/x-ndjson``, all of them, one a line. Of a batch that has not
        ended the last line is no row: ``{"object": "results.end", "complete": false,
        …}``.
        """
        batch = batch_of(self.org, batch_id)
        check_content(batch)
        status, with_raw = _status(request), _with_raw(request)
        attempts = attempts_of(batch)
        if request.accepted_renderer.format == "ndjson":
            lines = _lines(batch, attempts, status=status, with_raw=with_raw)
            return StreamingHttpResponse(lines, content_type="application/x-ndjson")
        page = read_page(
            request, list_name=f"{self.org.pk}:results:{batch.pk}", limit_default=100
        )
        after = -1 if page.after is None else page.after
        rows = row_page(
            batch,
            after=after,
            limit=page.limit + 1,
            status=status,
            with_raw=with_raw,
            attempts=attempts,
        )
        shown, has_more = rows[: page.limit], len(rows) > page.limit
        cursor = make_cursor(shown[-1][0], page.binding) if has_more else None
        body = _page_bytes(batch, attempts, [row for _, row in shown], cursor)
        return Response(body)


def _lines(
    batch: Batch, attempts: Attempts | None, *, status: str | None, with_raw: bool
) -> Iterator[bytes]:
    """Yield the rows; where more may come, a last line that says so."""
    error = None
    try:
        yield from stream_rows(
            batch, status=status, with_raw=with_raw, attempts=attempts
        )
    except ContentDeleted as deleted:
        error = {"code": deleted.code, "message": str(deleted)}
    if error is not None or not _is_complete(batch, attempts):
        yield orjson.dumps(_end_json(batch, error)) + b"\n"


def _is_complete(batch: Batch, attempts: Attempts | None) -> bool:
    """Tell whether no row will come or be replaced by that of a retry under way."""
    is_retried = attempts is not None and attempts.is_open
    return batch.state in BATCH_TERMINAL and not is_retried


def _end_json(batch: Batch, error: dict[str, str] | None) -> dict[str, Any]:
    """Return the line that tells a stream of rows so far from one of all rows.

    ``error`` says why it ended early: the content was deleted meanwhile.
    """
    return {
        "object": "results.end",
        "batch_id": batch.public_id,
        "state": batch.state,
        "complete": False,
        "counts": progress_of(batch).counts(),
        "error": error,
    }


def _page_bytes(
    batch: Batch, attempts: Attempts | None, rows: list[bytes], cursor: str | None
) -> bytes:
    """Write the page around rows that are JSON already."""
    head = {
        "object": "list",
        "batch_id": batch.public_id,
        "state": batch.state,
        "complete": _is_complete(batch, attempts),
        "counts": progress_of(batch).counts(),
        "has_more": cursor is not None,
        "next_cursor": cursor,
    }
    return orjson.dumps(head)[:-1] + b',"data":[' + b",".join(rows) + b"]}"


def _status(request: Request) -> str | None:
    status = single_value(request, "status")
    if status is not None and status not in set(RowStatus):
        raise InvalidRequest(
            f"status is one of {', '.join(RowStatus)}.", param="status"
        )
    return status


def _with_raw(request: Request) -> bool:
    include = single_value(request, "include")
    if include not in {None, "raw"}:
        raise InvalidRequest("include knows the value raw.", param="include")
    return include == "raw"
