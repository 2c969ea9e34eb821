"""Register, and show that an address is yours."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import schemas
from accounts.api.public import PublicView
from accounts.rendering import org_json, user_json
from accounts.sign_up import ask_to_sign_up, confirm_sign_up, resend_confirmation
from batchrouter.kit import clock
from batchrouter.web.schemas import errors

_ASKED = {"status": "confirmation_sent_if_possible"}


class Register(PublicView):
    """POST /v1/auth/register."""

    @extend_schema(
        operation_id="register",
        tags=["Auth"],
        auth=[],
        request=schemas.RegisterBody,
        responses={202: schemas.AskedReply, **errors(400, 429, 503)},
    )
    def post(self, request: Request) -> Response:
        """Ask for an account; a mail holds a link and a token.

        The answer is the same whether or not the address has an account already.
        """
        sent = self.fields("email", "password", "org_name")
        ask_to_sign_up(
            email=sent.text("email"),
            password=sent.text("password"),
            org_name=sent.optional_text("org_name"),
            ip=self.ip,
            now=clock.now(),
        )
        return Response(_ASKED, status=202)


class AgentRegister(PublicView):
    """POST /v1/auth/agent-register."""

    @extend_schema(
        operation_id="agent_register",
        tags=["Auth"],
        auth=[],
        request=schemas.AgentRegisterBody,
        responses={202: schemas.AskedReply, **errors(400, 429, 503)},
    )
    def post(self, request: Request) -> Response:
        """Ask for an account as an agent; its organization remembers that."""
        sent = self.fields("agent_name", "email", "password")
        ask_to_sign_up(
            email=sent.text("email"),
            password=sent.text("password"),
            agent_name=sent.text("agent_name"),
            ip=self.ip,
            now=clock.now(),
        )
        return Response(_ASKED, status=202)


class ConfirmEmail(PublicView):
    """POST /v1/auth/verify-email/confirm."""

    @extend_schema(
        operation_id="verify_email",
        tags=["Auth"],
        auth=[],
        request=schemas.TokenBody,
        responses={200: schemas.ConfirmedReply, **errors(400, 409)},
    )
    def post(self, request: Request) -> Response:
        """Show the token from the mail; the account and its organization are made."""
        made = confirm_sign_up(self.fields("token").text("token"), now=clock.now())
        return Response({"user": user_json(made.user), "org": org_json(made.org)})


class ResendConfirmation(PublicView):
    """POST /v1/auth/verify-email/resend."""

    @extend_schema(
        operation_id="verify_email_resend",
        tags=["Auth"],
        auth=[],
        request=schemas.EmailBody,
        responses={202: schemas.AskedReply, **errors(400, 429)},
    )
    def post(self, request: Request) -> Response:
        """Ask for the confirmation mail again."""
        resend_confirmation(
            self.fields("email").text("email"), ip=self.ip, now=clock.now()
        )
        return Response(_ASKED, status=202)
