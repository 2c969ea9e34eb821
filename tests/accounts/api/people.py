"""Somebody who uses the calls of accounts, by hand."""

from typing import Any

from accounts.models import Membership
from accounts.session_tokens import issue_token
from batchrouter.kit import clock
from tests.factories.accounts import PASSWORD, MembershipFactory
from tests.support.api_client import ApiClient
from tests.support.mailbox import Mailbox

EMAIL = "ada@example.com"
NEW_PASSWORD = "nine lives and a lantern"


def anyone() -> ApiClient:
    """Return a caller without credentials."""
    return ApiClient()


def register(mailbox: Mailbox, email: str = EMAIL) -> str:
    """Register, and return the token of the mail."""
    reply = anyone().post("/v1/auth/register", {"email": email, "password": PASSWORD})
    assert reply.status_code == 202
    return mailbox.token(email)


def login(email: str, password: str = PASSWORD, **more: Any) -> Any:
    """Log in as a program, and return the reply."""
    body = {"email": email, "password": password, **more}
    return anyone().post("/v1/auth/login", body)


def member(**fields: Any) -> Membership:
    """Make a person who owns an organization."""
    made: Membership = MembershipFactory.create(**fields)
    return made


def by_token(place: Membership) -> ApiClient:
    """Return a caller with a session token of this person."""
    made = issue_token(
        user=place.user,
        org=place.org,
        ip="192.0.2.7",
        user_agent="agent/1",
        now=clock.now(),
    )
    return ApiClient(made.secret)
