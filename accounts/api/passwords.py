"""Forgotten and changed passwords."""

from django.contrib.auth import update_session_auth_hash
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import schemas
from accounts.api.public import PublicView
from accounts.api_base import OrgView
from accounts.authentication import django_request
from accounts.models import Scope
from accounts.passwords import ask_for_reset, change_password, reset_password
from accounts.sessions import remember_cookie
from batchrouter.kit import clock
from batchrouter.web.fields import Fields
from batchrouter.web.schemas import errors


class PasswordReset(PublicView):
    """POST /v1/auth/password/reset."""

    @extend_schema(
        operation_id="password_reset",
        tags=["Auth"],
        auth=[],
        request=schemas.EmailBody,
        responses={202: schemas.AskedReply, **errors(400, 429)},
    )
    def post(self, request: Request) -> Response:
        """Ask for a mail that lets you set a new password; always the same answer."""
        ask_for_reset(self.fields("email").text("email"), ip=self.ip, now=clock.now())
        return Response({"status": "mail_sent_if_known"}, status=202)


class PasswordResetConfirm(PublicView):
    """POST /v1/auth/password/reset/confirm."""

    @extend_schema(
        operation_id="password_reset_confirm",
        tags=["Auth"],
        auth=[],
        request=schemas.NewPasswordBody,
        responses={200: schemas.DoneReply, **errors(400)},
    )
    def post(self, request: Request) -> Response:
        """Set a new password; every session and session token of the person ends."""
        sent = self.fields("token", "password")
        reset_password(sent.text("token"), sent.text("password"), now=clock.now())
        return Response({"status": "password_set"})


class PasswordChange(OrgView):
    """POST /v1/auth/account/password."""

    scope = Scope.READ

    @extend_schema(
        operation_id="password_change",
        tags=["Account"],
        request=schemas.ChangePasswordBody,
        responses={200: schemas.DoneReply, **errors(400, 401, 403)},
    )
    def post(self, request: Request) -> Response:
        """Replace your password; your other sessions and all session tokens end."""
        sent = Fields(self.body, "current_password", "new_password")
        user, browser = self.user, django_request(request)
        change_password(
            user,
            current=sent.text("current_password"),
            new=sent.text("new_password"),
            now=clock.now(),
        )
        if self.caller.auth_method == "session":
            update_session_auth_hash(browser, user)
            remember_cookie(browser)
        return Response({"status": "password_set"})
