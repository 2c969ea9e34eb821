"""Every address below /v1/, as nobody and as a stranger.

The addresses are read from the URL configuration, so one that is added is walked too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django.fixtures import Settings

from accounts.models import Membership, Org, Role, Scope
from batches.models import Batch, Quote, StoredFile
from batchrouter.kit import clock
from billing.months import month_of
from catalog.loading import load_catalog
from tests.factories.accounts import (
    MembershipFactory,
    OrgFactory,
    make_key,
)
from tests.factories.batches import clean_store, make_batch
from tests.factories.billing import funded_org
from tests.factories.catalog import LONG_AGO
from tests.factories.payments import CheckoutSessionFactory
from tests.support.calls import bearer, client, refusal

pytestmark = pytest.mark.django_db

# What anybody may read, as documented.
PUBLIC_PREFIXES = ("v1/catalog/",)
PUBLIC = {
    "v1/route-policies",
    "v1/runtime/capabilities",
    "v1/openapi.json",
    "v1/files/<str:file_id>/download",  # by its signature
    "v1/billing/stripe/webhook",  # by its signature
}
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Call:
    """A method of an address, and the names of the ids in it."""

    method: str
    route: str
    ids: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.method} /{self.route}"

    def path(self, values: dict[str, str]) -> str:
        path = "/" + self.route
        for name in self.ids:
            path = path.replace(f"<str:{name}>", values[name])
        return path

    def by(self, secret: str | None, values: dict[str, str]) -> Any:
        headers = {} if secret is None else bearer(secret)
        send = getattr(client(), self.method)
        if self.method == "get":
            return send(self.path(values), headers=headers)
        return send(self.path(values), {}, "application/json", headers=headers)


def _patterns(
    resolver: URLResolver, prefix: str = ""
) -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _patterns(entry, route)
        else:
            yield route, entry


def _calls() -> Iterator[Call]:
    for route, pattern in _patterns(get_resolver()):
        is_public = route in PUBLIC or route.startswith(PUBLIC_PREFIXES)
        if not route.startswith("v1/") or is_public:
            continue
        view = getattr(pattern.callback, "view_class", None)
        for method in METHODS:
            if view is None or hasattr(view, method):
                yield Call(method, route, tuple(pattern.pattern.converters))


CALLS = list(_calls())
CALLS_BY_ID = [call for call in CALLS if call.ids]
# Ids that are of the form and name nothing.
NOTHING = {
    "batch_id": "batch_00000000000000000000000000",
    "quote_id": "qlock_00000000000000000000000000",
    "file_id": "file_00000000000000000000000000",
    "checkout_id": "cks_00000000000000000000000000",
    "month": "2000-01",  # before anybody's first entry
}


@pytest.fixture
def batch(settings: Settings, tmp_path: Path) -> Iterator[Batch]:
    """A batch that an organization pays for, with its quote and its file."""
    settings.ARTIFACTS_DIR = tmp_path / "artifacts"
    settings.SANDBOX_PROVIDERS_URL = "http://127.0.0.1:9"  # nobody answers there
    load_catalog(now=LONG_AGO)
    with clean_store():
        batch = make_batch(funded_org(usd=50))
        MembershipFactory.create(org=batch.org)
        yield batch


@pytest.fixture
def theirs(batch: Batch) -> dict[str, str]:
    return {
        "batch_id": batch.public_id,
        "quote_id": batch.quote.public_id,
        "file_id": batch.manifest.file.public_id,
        "checkout_id": CheckoutSessionFactory.create(org=batch.org).public_id,
        "month": str(month_of(clock.now())),
    }


def rows() -> dict[str, list[tuple[Any, ...]]]:
    """Everything that a stranger could have changed."""
    models = (Batch, Quote, StoredFile, Org, Membership)
    return {
        model.__name__: list(model._default_manager.order_by("pk").values_list())
        for model in models
    }


def test_the_walk_finds_the_addresses_of_the_main_job() -> None:
    found = {str(call) for call in CALLS}
    assert {
        "post /v1/batches",
        "get /v1/batches/<str:batch_id>/results",
        "post /v1/batches/quote",
        "delete /v1/files/<str:file_id>",
        "get /v1/billing",
    } <= found
    assert len(CALLS_BY_ID) >= 10


def test_every_id_in_an_address_is_one_that_the_walk_can_fill_in() -> None:
    assert {name for call in CALLS for name in call.ids} <= set(NOTHING)


def test_nothing_else_is_public_than_what_is_documented() -> None:
    routes = {route for route, _ in _patterns(get_resolver())}
    assert routes >= PUBLIC


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_nobody_gets_401(call: Call, theirs: dict[str, str]) -> None:
    before = rows()
    reply = call.by(None, theirs)
    assert reply.status_code == 401
    error = refusal(reply)
    assert error["code"] == "unauthenticated"
    assert error["type"] == "authentication_error"
    assert rows() == before


@pytest.mark.parametrize("call", CALLS_BY_ID, ids=str)
def test_a_stranger_gets_404(call: Call, theirs: dict[str, str]) -> None:
    stranger = make_key(OrgFactory.create()).secret
    before = rows()
    reply = call.by(stranger, theirs)
    assert reply.status_code == 404
    assert refusal(reply)["type"] == "not_found_error"
    assert rows() == before


@pytest.mark.parametrize("call", CALLS_BY_ID, ids=str)
def test_a_stranger_cannot_tell_what_exists(call: Call, theirs: dict[str, str]) -> None:
    stranger = make_key(OrgFactory.create()).secret
    of_theirs = refusal(call.by(stranger, theirs))
    of_nothing = refusal(call.by(stranger, NOTHING))
    assert dict(of_theirs, request_id="") == dict(of_nothing, request_id="")


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_a_key_without_any_scope_gets_403(
    call: Call, batch: Batch, theirs: dict[str, str]
) -> None:
    key = make_key(batch.org)
    key.row.scopes = []
    key.row.save(update_fields=["scopes"])
    before = rows()
    reply = call.by(key.secret, theirs)
    assert reply.status_code == 403
    error = refusal(reply)
    assert error["code"] == "scope_required"
    assert error["details"]["scope"] in Scope.values
    assert rows() == before


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_a_viewer_changes_nothing(
    call: Call, batch: Batch, theirs: dict[str, str]
) -> None:
    viewer = MembershipFactory.create(org=batch.org, role=Role.VIEWER)
    visitor = client()
    visitor.force_login(viewer.user)
    before = rows()
    if call.method == "get":
        visitor.get(call.path(theirs))
    else:
        reply = visitor.generic(
            call.method.upper(),
            call.path(theirs),
            b"{}",
            content_type="application/json",
        )
        assert refusal(reply)["code"] == "scope_required"
    assert rows() == before


@pytest.mark.parametrize("call", CALLS_BY_ID, ids=str)
def test_the_owner_is_let_through(
    call: Call, batch: Batch, theirs: dict[str, str]
) -> None:
    """Without this the walk as a stranger would prove nothing."""
    reply = call.by(make_key(batch.org).secret, theirs)
    # A batch that is still open has no receipts.
    expected = {200, 202, 404} if call.route.endswith("-receipt") else {200, 202, 409}
    assert reply.status_code in expected
