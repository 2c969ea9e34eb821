"""Make the organization that bin/demo works with; doing it again changes little."""

import json
from typing import Any

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
        parser.add_argument("--operator", action="store_true", help="admin login too")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        if settings.APP_ENV == "production":
            raise CommandError("A demo login has no place in production.")
        user, org = _user_and_org(is_operator=options["operator"])
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
                }
            )
        )


def _user_and_org(*, is_operator: bool) -> tuple[User, Org]:
    user = User.objects.filter(email=EMAIL).first()
    if user is None:
        user = User.objects.create_user(
            EMAIL,
            PASSWORD,
            name="Demo",
            is_staff=is_operator,
            is_superuser=is_operator,
        )
    membership = Membership.objects.filter(user=user).select_related("org").first()
    if membership is not None:
        return user, membership.org
    org = Org.objects.create(name="Demo organization")
    Membership.objects.create(user=user, org=org, role=Role.OWNER)
    return user, org
