"""GET and POST /v1/batches/{id}/quality-feedback."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api_base import OrgView
from accounts.models import Scope
from batches.api import schemas
from batches.feedback_body import read_feedback
from batches.quality_reply import feedback_json, quality_json
from batches.selectors import batch_of
from batches.services.feedback import record_feedback
from batchrouter.kit import clock
from batchrouter.web.idempotency import Effect, run_once


class QualityFeedbackView(OrgView):
    """What the customer says of a batch, and what routing learns from it."""

    scopes = {"GET": Scope.READ, "POST": Scope.SUBMIT}

    @extend_schema(
        operation_id="quality_feedback_retrieve",
        tags=["Quality"],
        responses={200: schemas.QualityReply, **schemas.errors(401, 403, 404)},
    )
    def get(self, _request: Request, batch_id: str) -> Response:
        """Return the quality signal of the batch's kind of work, lane by lane."""
        batch = batch_of(self.org, batch_id)
        return Response(quality_json(batch, now=clock.now()))

    @extend_schema(
        operation_id="quality_feedback_create",
        tags=["Quality"],
        parameters=[schemas.IDEMPOTENCY_KEY],
        request=schemas.FeedbackBody,
        responses={
            201: schemas.FeedbackReply,
            **schemas.errors(400, 401, 403, 404, 409, 422),
        },
    )
    def post(self, request: Request, batch_id: str) -> Response:
        """Judge a finished batch or its rows; the next quote knows of it."""
        batch = batch_of(self.org, batch_id)
        said = read_feedback(self.body)

        def effect() -> Effect:
            now = clock.now()
            feedback = record_feedback(batch, said, now=now)
            body = {**quality_json(batch, now=now), **feedback_json(feedback)}
            return Effect(201, body, feedback.public_id)

        endpoint = f"quality_feedback.{batch.public_id}"
        return run_once(request, org_id=self.org.pk, endpoint=endpoint, effect=effect)
