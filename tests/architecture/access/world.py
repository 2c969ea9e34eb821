"""An organization with one of everything, and everybody who might call for it."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import orjson
from django.test import Client

from accounts.models import Invitation, Membership, Org, Role, Scope, User
from accounts.session_tokens import issue_token
from batches.models import Batch
from batches.services.delivery import send_test, set_default
from batchrouter.kit import clock
from billing.months import month_of
from tests.architecture.access.declared import BODIES
from tests.architecture.access.routes import Call
from tests.factories.accounts import MembershipFactory, OrgFactory, make_key
from tests.factories.batches import make_batch
from tests.factories.billing import funded_org
from tests.factories.imports import ImportFactory
from tests.factories.payments import CheckoutSessionFactory
from tests.support.calls import bearer

_CSRF = "a" * 32


@dataclass(frozen=True)
class Caller:
    """Somebody with a key or token, a cookie, both or neither."""

    name: str
    secret: str = field(default="", repr=False)
    person: User | None = None
    has_csrf_token: bool = True

    def visitor(self) -> Client:
        """Return a program that holds the caller's cookie and hears of crashes."""
        visitor = Client(raise_request_exception=False, enforce_csrf_checks=True)
        if self.person is not None:
            visitor.force_login(self.person)
            visitor.cookies["csrftoken"] = _CSRF
        return visitor

    def send(
        self,
        visitor: Client,
        call: Call,
        ids: dict[str, str],
        body: dict[str, str] | None = None,
    ) -> Any:
        headers = bearer(self.secret) if self.secret else {}
        if self.person is not None and self.has_csrf_token:
            headers["X-CSRFToken"] = _CSRF
        if call.is_safe:
            return visitor.get(call.path(ids), headers=headers)
        return visitor.generic(
            call.method,
            call.path(ids),
            orjson.dumps(BODIES.get(str(call), {}) if body is None else body),
            content_type="application/json",
            headers=headers,
        )


@dataclass(frozen=True)
class World:
    """Who owns what.

    Attributes:
        ids: for each name in an address, one that is the organization's.
        marks: what a stranger must never read.
    """

    org: Org
    owner: Membership
    ids: dict[str, str]
    marks: tuple[str, ...]

    @property
    def nobody(self) -> Caller:
        return Caller("nobody")

    def key(self, name: str, *scopes: str) -> Caller:
        """Return a key with just these scopes."""
        made = make_key(self.org, scopes=list(Scope.values))
        made.row.scopes = list(scopes)
        made.row.save(update_fields=["scopes"])
        return Caller(name, made.secret)

    def the_owner(self) -> Caller:
        return by_token("the owner", self.owner)

    def member(self, role: str) -> Caller:
        """Return a person of the organization with a browser."""
        place = MembershipFactory.create(org=self.org, role=role)
        return Caller(f"a {role}", person=place.user)

    def dead(self) -> list[Caller]:
        """Return who could call once and no longer may."""
        now = clock.now()
        revoked, expired = make_key(self.org), make_key(self.org)
        revoked.row.revoked_at = now - timedelta(seconds=1)
        expired.row.expires_at = now - timedelta(seconds=1)
        revoked.row.save(update_fields=["revoked_at"])
        expired.row.save(update_fields=["expires_at"])
        removed = MembershipFactory.create(org=self.org)
        token = by_token("the token of a removed member", removed)
        Membership.objects.filter(pk=removed.pk).delete()
        return [
            Caller("a revoked key", revoked.secret),
            Caller("an expired key", expired.secret),
            Caller(
                "a key of a suspended organization",
                make_key(OrgFactory.create(is_suspended=True)).secret,
            ),
            token,
            Caller("the cookie of a removed member", person=removed.user),
        ]

    def strangers(self) -> list[Caller]:
        """Return others who may do everything, but elsewhere."""
        place = MembershipFactory.create()
        return [
            Caller("a stranger's key", make_key(place.org).secret),
            by_token("a stranger", place),
        ]


def by_token(name: str, place: Membership) -> Caller:
    """Return a person with a session token."""
    made = issue_token(
        user=place.user,
        org=place.org,
        ip="192.0.2.7",
        user_agent="agent/1",
        now=clock.now(),
    )
    return Caller(name, made.secret)


def with_cookie_of(caller: Caller, person: User) -> Caller:
    """Return the same caller in somebody's browser, without its CSRF token."""
    name = f"{caller.name} in the browser of {person.email}"
    return replace(caller, name=name, person=person, has_csrf_token=False)


def make_world() -> World:
    """Make one of everything. Needs the catalog and the store."""
    batch = make_batch(funded_org(usd=50))
    org, now = batch.org, clock.now()
    owner = MembershipFactory.create(org=org)
    colleague = MembershipFactory.create(org=org, role=Role.VIEWER)
    login = issue_token(
        user=owner.user, org=org, ip=None, user_agent="agent/1", now=now
    )
    offer = Invitation.objects.create(
        org=org,
        email="invited@example.com",
        invited_by=owner.user,
        expires_at=now + timedelta(days=7),
    )
    set_default(org, url="https://hooks.example.com/b", secret=None, now=now)
    ids = _ids_of(batch) | {
        "delivery_id": send_test(org, now=now).public_id,
        # No more than what any key that may manage keys has.
        "key_id": make_key(org, scopes=[Scope.ADMIN]).row.public_id,
        "user_id": colleague.user.public_id,
        "invitation_id": offer.public_id,
        "session_id": login.row.public_id,
        "org_id": org.public_id,
        "import_id": ImportFactory.create(org=org).public_id,
        "checkout_id": CheckoutSessionFactory.create(org=org).public_id,
        "month": str(month_of(now)),
    }
    people = (owner.user.email, colleague.user.email, offer.email)
    # A month is everybody's.
    told = [value for name, value in ids.items() if name != "month"]
    return World(org, owner, ids, (*people, *told))


def _ids_of(batch: Batch) -> dict[str, str]:
    return {
        "batch_id": batch.public_id,
        "quote_id": batch.quote.public_id,
        "file_id": batch.manifest.file.public_id,
    }
