"""Make the organization that bin/demo works with; doing it again changes little."""

import json
from typing import Any

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts.keys import create_key
from accounts.models import Membership, Org, Role, User
from batchrouter.kit.money import parse_usd
from billing.grants import grant_credits

EMAIL = "demo@batchrouter.test"
PASSWORD = "demo-only-password"  # noqa: S105 # printed for the visitor of a local demo
CREDITS_USD = "100.00"


class Command(BaseCommand):
    help = "Make a demo organization with credits, a login and a fresh API key."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--operator",
            action="append",
            default=[],
            metavar="EMAIL",
            help="make an operator too, with codes for the second factor; repeatable",
        )

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        if settings.APP_ENV == "production":
            raise CommandError("A demo login has no place in production.")
        user, org = _user_and_org()
        grant_credits(
            org=org,
            amount_nanousd=parse_usd(CREDITS_USD),
            reason="Demo credits",
            actor="make_demo",
            key=f"demo:{org.public_id}",
        )
        made = create_key(org=org, name="demo", created_by=user)
        self.stdout.write(
            json.dumps(
                {
                    "api_key": made.secret,
                    "email": EMAIL,
                    "password": PASSWORD,
                    "org_id": org.public_id,
                    "operator_codes": {
                        email: _operator_codes(email) for email in options["operator"]
                    },
                }
            )
        )


def _operator_codes(email: str) -> list[str]:
    """Make an operator, and return fresh codes: each is good for one login."""
    user = User.objects.filter(email=email).first()
    if user is None:
        user = User.objects.create_superuser(email, PASSWORD)
        TOTP.activate(user, generate_totp_secret())
    codes: list[str] = RecoveryCodes.activate(user).get_unused_codes()
    return codes


def _user_and_org() -> tuple[User, Org]:
    user = User.objects.filter(email=EMAIL).first()
    if user is None:
        user = User.objects.create_user(EMAIL, PASSWORD, name="Demo")
    membership = Membership.objects.filter(user=user).select_related("org").first()
    if membership is not None:
        return user, membership.org
    org = Org.objects.create(name="Demo organization")
    Membership.objects.create(user=user, org=org, role=Role.OWNER)
    return user, org
