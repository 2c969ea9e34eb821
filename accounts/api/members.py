"""The people of the organization. People are managed by people: a key is nobody."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import schemas_keys as schemas
from accounts.api_base import OrgView
from accounts.member_rendering import member_json
from accounts.members import change_role, members_of, remove_member
from accounts.models import Role, Scope
from batchrouter.kit import clock
from batchrouter.web.fields import Fields
from batchrouter.web.pagination import page_of
from batchrouter.web.schemas import PAGE, errors


class MemberList(OrgView):
    """GET /v1/auth/account/members."""

    scope = Scope.ADMIN

    @extend_schema(
        operation_id="member_list",
        tags=["Members"],
        summary="List members, newest first",
        parameters=PAGE,
        responses={200: schemas.MemberListReply, **errors(400, 401, 403)},
    )
    def get(self, request: Request) -> Response:
        """List who belongs to the organization, and as what."""
        page = page_of(
            members_of(self.org),
            request,
            org_id=self.org.pk,
            list_name="members",
            render=member_json,
        )
        return Response(page)


class MemberDetail(OrgView):
    """PATCH and DELETE /v1/auth/account/members/{user_id}."""

    # Everybody may leave; who may do more is decided by the role.
    scopes = {"PATCH": Scope.ADMIN, "DELETE": Scope.READ}

    @extend_schema(
        operation_id="member_change_role",
        tags=["Members"],
        summary="Give a member another role",
        request=schemas.RoleBody,
        responses={200: schemas.Member, **errors(400, 401, 403, 404, 409)},
    )
    def patch(self, request: Request, user_id: str) -> Response:
        """Change a role; only owners make or change owners, and one always stays."""
        role = Fields(self.body, "role").choice("role", Role.values)
        member = change_role(self.org, user_id, role, by=self.user, now=clock.now())
        return Response(member_json(member))

    @extend_schema(
        operation_id="member_remove",
        tags=["Members"],
        summary="Remove a member, or leave",
        responses={204: None, **errors(401, 403, 404, 409)},
    )
    def delete(self, request: Request, user_id: str) -> Response:
        """Remove somebody, or yourself; the last owner stays."""
        remove_member(self.org, user_id, by=self.user, now=clock.now())
        return Response(status=204)
