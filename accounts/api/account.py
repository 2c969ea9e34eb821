"""The organization and its person: facts, name, address."""

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.adapter import client_ip
from accounts.addresses import ask_to_change_address, confirm_address_change
from accounts.api import schemas
from accounts.api.public import PublicView
from accounts.api_base import OrgView
from accounts.authentication import django_request
from accounts.models import Scope
from accounts.orgs import keep_content, rename_org
from accounts.rendering import account_json, user_json
from batchrouter.kit import clock
from batchrouter.web.fields import Fields
from batchrouter.web.schemas import errors


class Account(OrgView):
    """GET and PATCH /v1/auth/account."""

    scopes = {"GET": Scope.READ, "PATCH": Scope.ADMIN}

    @extend_schema(
        operation_id="account",
        tags=["Account"],
        responses={200: schemas.AccountReply, **errors(401, 403)},
    )
    def get(self, request: Request) -> Response:
        """Show the organization, its plan and its credits."""
        return Response(account_json(self.org))

    @extend_schema(
        operation_id="account_rename",
        tags=["Account"],
        request=schemas.RenameBody,
        responses={200: schemas.AccountReply, **errors(400, 401, 403)},
    )
    @transaction.atomic
    def patch(self, request: Request) -> Response:
        """Give the organization another name, or another retention of content."""
        fields = Fields(self.body, "name", "retention_days")
        if "name" in fields or "retention_days" not in fields:
            rename_org(self.org, fields.text("name"))
        if "retention_days" in fields:
            keep_content(self.org, self.body["retention_days"])
        return Response(account_json(self.org))


class AddressChange(OrgView):
    """POST /v1/auth/account/email."""

    scope = Scope.READ

    @extend_schema(
        operation_id="email_change",
        tags=["Account"],
        request=schemas.EmailBody,
        responses={202: schemas.AskedReply, **errors(400, 401, 403, 429)},
    )
    def post(self, request: Request) -> Response:
        """Ask for another address; the mail to it holds a link and a token."""
        ask_to_change_address(
            self.user,
            Fields(self.body, "email").text("email"),
            ip=client_ip(django_request(request)),
            now=clock.now(),
        )
        return Response({"status": "confirmation_sent_if_possible"}, status=202)


class AddressConfirm(PublicView):
    """POST /v1/auth/account/email/confirm."""

    @extend_schema(
        operation_id="email_change_confirm",
        tags=["Account"],
        auth=[],
        request=schemas.TokenBody,
        responses={200: schemas.UserReply, **errors(400, 409)},
    )
    def post(self, request: Request) -> Response:
        """Show the token from the mail; the account has the new address from now on."""
        token = self.fields("token").text("token")
        return Response(
            {"user": user_json(confirm_address_change(token, now=clock.now()))}
        )
