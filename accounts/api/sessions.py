"""Where the person is logged in, and ending it."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import schemas
from accounts.api_base import OrgView
from accounts.models import Scope
from accounts.rendering import login_json
from accounts.sessions import end_other_sessions, end_session, sessions_of
from batchrouter.kit import clock
from batchrouter.web.pagination import list_json
from batchrouter.web.schemas import errors


class SessionList(OrgView):
    """GET and DELETE /v1/auth/account/sessions."""

    scope = Scope.READ

    @extend_schema(
        operation_id="session_list",
        tags=["Account"],
        responses={200: schemas.SessionListReply, **errors(401, 403)},
    )
    def get(self, request: Request) -> Response:
        """List your logins, this one first."""
        found = sessions_of(self.user, here=self.here, now=clock.now())
        rows = [login_json(each) for each in found]
        return Response(list_json(rows, has_more=False, next_cursor=None))

    @extend_schema(
        operation_id="session_end_others",
        tags=["Account"],
        responses={200: schemas.EndedReply, **errors(401, 403)},
    )
    def delete(self, request: Request) -> Response:
        """Log out everywhere but here."""
        return Response({"ended": end_other_sessions(self.user, here=self.here)})


class SessionDetail(OrgView):
    """DELETE /v1/auth/account/sessions/{id}."""

    scope = Scope.READ

    @extend_schema(
        operation_id="session_end",
        tags=["Account"],
        responses={204: None, **errors(401, 403, 404)},
    )
    def delete(self, request: Request, session_id: str) -> Response:
        """End one of your logins."""
        end_session(self.user, session_id)
        return Response(status=204)
