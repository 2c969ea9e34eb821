"""Log in, log out, and who is logged in."""

from collections.abc import Sequence

from django.contrib.auth import logout
from django.http import HttpRequest
from django.middleware.csrf import get_token
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.acting import SESSION_ORG, acting_membership, choose_org
from accounts.api import schemas
from accounts.api.public import PublicView
from accounts.api_base import OrgView
from accounts.authentication import ROLE_SCOPES, Caller, django_request
from accounts.middleware import user_agent
from accounts.models import Membership, Scope, User
from accounts.permissions import HasScope
from accounts.rendering import session_json
from accounts.session_tokens import choose_org_of, issue_token
from accounts.sign_in import InvalidCredentials, open_cookie_session, sign_in
from batchrouter.kit import clock
from batchrouter.kit.clock import iso
from batchrouter.web.fields import Fields
from batchrouter.web.schemas import errors


class Login(PublicView):
    """POST /v1/auth/login."""

    @extend_schema(
        operation_id="login",
        tags=["Auth"],
        auth=[],
        request=schemas.LoginBody,
        responses={
            200: schemas.LoginReply,
            **errors(400, 401, 403, 404, 429),
        },
    )
    def post(self, request: Request) -> Response:
        """Log in: a cookie, or with ``issue_token`` a session token and no cookie."""
        sent = self.fields("email", "password", "code", "issue_token", "org_id")
        wants_token = sent.flag("issue_token")
        org_id = sent.optional_text("org_id")
        browser = django_request(request)
        user = sign_in(
            browser,
            email=sent.text("email"),
            password=sent.text("password"),
            code=sent.optional_text("code"),
        )
        place = choose_org(user, org_id) if org_id else acting_membership(user, None)
        if place is None:
            raise InvalidCredentials("You belong to no active organization.")
        if wants_token:
            return self._with_token(browser, place)
        open_cookie_session(browser, user)
        browser.session[SESSION_ORG] = place.org.public_id
        reply = session_json(_caller(place, user))
        # For the unsafe calls that follow: they need it in X-CSRFToken.
        return Response({"session": reply, "csrf_token": get_token(browser)})

    def _with_token(self, browser: HttpRequest, place: Membership) -> Response:
        # What the proof of who it is noted there is for cookies only.
        browser.session.flush()
        made = issue_token(
            user=place.user,
            org=place.org,
            ip=self.ip,
            user_agent=user_agent(browser),
            now=clock.now(),
        )
        return Response(
            {
                "session_token": made.secret,
                "session_id": made.row.public_id,
                "expires_at": iso(made.row.expires_at),
            }
        )


def _caller(place: Membership, user: User) -> Caller:
    return Caller(
        org=place.org,
        user=user,
        key=None,
        scopes=ROLE_SCOPES[place.role],
        auth_method="session",
        role=place.role,
    )


class Logout(OrgView):
    """POST /v1/auth/logout."""

    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="logout",
        tags=["Auth"],
        request=None,
        responses={204: None, **errors(403)},
    )
    def post(self, request: Request) -> Response:
        """End the cookie's session or the session token; nobody logs out as well."""
        caller = request.auth
        if isinstance(caller, Caller):
            if caller.token is not None:
                caller.token.delete()
            else:
                logout(django_request(request))
        return Response(status=204)


class Session(OrgView):
    """GET and PATCH /v1/auth/session."""

    scopes = {"PATCH": Scope.READ}

    def get_permissions(self) -> Sequence[BasePermission]:
        """Let nobody ask as well, and hear that it is nobody."""
        return [AllowAny()] if self.request.method == "GET" else [HasScope()]

    @extend_schema(
        operation_id="session",
        tags=["Auth"],
        responses={200: schemas.SessionReply, **errors(401)},
    )
    def get(self, request: Request) -> Response:
        """Say who calls; ``{"session": null}`` where nobody does."""
        if not isinstance(request.auth, Caller):
            return Response({"session": None})
        return Response({"session": session_json(request.auth)})

    @extend_schema(
        operation_id="session_switch_org",
        tags=["Auth"],
        request=schemas.SwitchBody,
        responses={200: schemas.SessionReply, **errors(400, 401, 403, 404)},
    )
    def patch(self, request: Request) -> Response:
        """Act for another organization of yours from now on."""
        place = choose_org(self.user, Fields(self.body, "org_id").text("org_id"))
        token = self.caller.token
        if token is not None:
            choose_org_of(token, place.org)
        else:
            django_request(request).session[SESSION_ORG] = place.org.public_id
        return Response({"session": session_json(_caller(place, self.user))})
