"""Where secret scanners report keys that they found in public."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import schemas_keys as schemas
from accounts.api.public import PublicView
from accounts.authentication import django_request
from accounts.leaked_keys import BODY_BYTES_MAX, read_report, revoke_leaked
from accounts.scanner_keys import require_signature
from batchrouter.kit import clock
from batchrouter.web.parsers import BodyTooLarge
from batchrouter.web.schemas import errors


def _header(name: str) -> OpenApiParameter:
    return OpenApiParameter(
        name, OpenApiTypes.STR, OpenApiParameter.HEADER, required=True
    )


class LeakedKeys(PublicView):
    """POST /v1/auth/secret-scanning/github."""

    @extend_schema(
        operation_id="secret_scanning_github",
        tags=["Auth"],
        summary="Report keys found in public (for GitHub, signed)",
        auth=[],
        parameters=[
            _header("Github-Public-Key-Identifier"),
            _header("Github-Public-Key-Signature"),
        ],
        request=schemas.FoundToken(many=True),
        responses={
            200: schemas.TokenVerdict(many=True),
            **errors(400, 401, 413, 503),
        },
    )
    def post(self, request: Request) -> Response:
        """Revoke each live key that is named, and tell its owners and admins."""
        # The signature is over the bytes, so no parser may come before it.
        body = django_request(request).read(BODY_BYTES_MAX + 1)
        if len(body) > BODY_BYTES_MAX:
            raise BodyTooLarge(f"A report holds at most {BODY_BYTES_MAX} bytes.")
        require_signature(
            body,
            key_id=request.headers.get("Github-Public-Key-Identifier", ""),
            signature=request.headers.get("Github-Public-Key-Signature", ""),
        )
        verdicts = revoke_leaked(read_report(body), now=clock.now())
        return Response(
            [
                {
                    "token_hash": verdict.token_hash,
                    "token_type": verdict.kind,
                    "label": verdict.label,
                }
                for verdict in verdicts
            ]
        )
