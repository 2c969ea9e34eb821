"""Invitations: offered by owners and admins, taken by whoever has the mail."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.adapter import client_ip
from accounts.api import schemas_keys as schemas
from accounts.api.public import PublicView
from accounts.api_base import OrgView
from accounts.authentication import Caller, CallerAuthentication, django_request
from accounts.invitations import (
    accept_invitation,
    invite,
    open_invitations_of,
    resend_invitation,
    revoke_invitation,
)
from accounts.member_rendering import invitation_json
from accounts.models import Role, Scope, User
from accounts.rendering import org_json, user_json
from batchrouter.kit import clock
from batchrouter.web.fields import Fields
from batchrouter.web.idempotency import Effect, run_once
from batchrouter.web.pagination import page_of
from batchrouter.web.schemas import IDEMPOTENCY_KEY, PAGE, errors


class InvitationList(OrgView):
    """GET and POST /v1/auth/account/invitations."""

    scope = Scope.ADMIN

    @extend_schema(
        operation_id="invitation_list",
        tags=["Members"],
        summary="List open invitations, newest first",
        parameters=PAGE,
        responses={200: schemas.InvitationListReply, **errors(400, 401, 403)},
    )
    def get(self, request: Request) -> Response:
        """List what was neither accepted nor revoked."""
        now = clock.now()
        page = page_of(
            open_invitations_of(self.org),
            request,
            org_id=self.org.pk,
            list_name="invitations",
            render=lambda invitation: invitation_json(invitation, now=now),
        )
        return Response(page)

    @extend_schema(
        operation_id="invitation_create",
        tags=["Members"],
        summary="Invite an address",
        parameters=[IDEMPOTENCY_KEY],
        request=schemas.InvitationBody,
        responses={
            201: schemas.Invitation,
            **errors(400, 401, 403, 409, 422, 429, 503),
        },
    )
    def post(self, request: Request) -> Response:
        """Mail an offer of a place; an open one to the same address is replaced."""
        by, now = self.user, clock.now()
        sent = Fields(self.body, "email", "role")

        def effect() -> Effect:
            made = invite(
                self.org,
                email=sent.text("email"),
                role=sent.choice("role", Role.values),
                by=by,
                ip=client_ip(django_request(request)),
                now=now,
            )
            return Effect(201, invitation_json(made, now=now), made.public_id)

        return run_once(
            request, org_id=self.org.pk, endpoint="invitations.create", effect=effect
        )


class InvitationDetail(OrgView):
    """DELETE /v1/auth/account/invitations/{invitation_id}."""

    scope = Scope.ADMIN

    @extend_schema(
        operation_id="invitation_revoke",
        tags=["Members"],
        summary="Take an open invitation back",
        responses={204: None, **errors(401, 403, 404)},
    )
    def delete(self, request: Request, invitation_id: str) -> Response:
        """Make an invitation's tokens void."""
        revoke_invitation(self.org, invitation_id, by=self.user, now=clock.now())
        return Response(status=204)


class InvitationResend(OrgView):
    """POST /v1/auth/account/invitations/{invitation_id}/resend."""

    scope = Scope.ADMIN

    @extend_schema(
        operation_id="invitation_resend",
        tags=["Members"],
        summary="Mail an open invitation again",
        request=None,
        responses={202: schemas.Invitation, **errors(401, 403, 404, 429, 503)},
    )
    def post(self, request: Request, invitation_id: str) -> Response:
        """Mail the offer again; its time starts anew."""
        Fields(self.body)
        now = clock.now()
        found = resend_invitation(
            self.org,
            invitation_id,
            by=self.user,
            ip=client_ip(django_request(request)),
            now=now,
        )
        return Response(invitation_json(found, now=now), status=202)


class VisitorAuthentication(CallerAuthentication):
    """The same, and people who belong to no organization yet."""

    def authenticate(self, request: Request) -> tuple[Any, Caller | None] | None:  # type: ignore[override] # nobody's organization
        """Return who is logged in, with or without an organization.

        Raises:
            InvalidApiKey, InvalidSessionToken, CredentialInUrl, TwoCredentials.
        """
        found = super().authenticate(request)
        if found is not None or request.headers.get("Authorization"):
            return found
        person = getattr(django_request(request), "user", None)
        # The cookie's CSRF token was checked above.
        if isinstance(person, User) and person.is_active:
            return person, None
        return None


class InvitationAccept(PublicView):
    """POST /v1/auth/account/invitations/accept."""

    authentication_classes = [VisitorAuthentication]

    @extend_schema(
        operation_id="invitation_accept",
        tags=["Members"],
        summary="Take the place that an invitation offers",
        auth=[],
        request=schemas.AcceptBody,
        responses={200: schemas.AcceptReply, **errors(400, 401, 403, 409)},
    )
    def post(self, request: Request) -> Response:
        """Show the token from the mail.

        Where the address has an account, be logged in as its person. Where it has
        none, ``password`` makes one; it belongs to this organization only.
        """
        sent = self.fields("token", "password", "name")
        member = accept_invitation(
            sent.text("token"),
            visitor=request.user if isinstance(request.user, User) else None,
            password=sent.optional_text("password"),
            name=sent.optional_text("name"),
            now=clock.now(),
        )
        return Response(
            {
                "user": user_json(member.user),
                "org": org_json(member.org),
                "role": member.role,
            }
        )
