"""The page of API keys."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.keys import digest, revoke_key
from accounts.models import ApiKey, Org, Role, SpendLimit
from batchrouter.kit import clock
from tests.console.made import browser_of
from tests.console.mail import NASTY, is_inert
from tests.factories.accounts import ApiKeyFactory, OrgFactory, make_key

pytestmark = pytest.mark.django_db

SECRET = re.compile(r"ob_(?:live|test)_[0-9A-Za-z]{36}")
FORM = {"name": "nightly", "mode": "live", "scopes": ["quote", "submit", "read"]}


@pytest.fixture
def org() -> Org:
    return OrgFactory.create()


@pytest.fixture
def owner(org: Org) -> Client:
    return browser_of(org)


def test_a_new_key_works_and_its_secret_is_on_this_page(
    owner: Client, org: Org
) -> None:
    body = owner.post("/account/keys", FORM).content.decode()
    secret = only_secret(body)
    key = ApiKey.objects.get(org=org)
    assert bytes(key.digest) == digest(secret)
    assert (key.name, key.scopes, key.is_test) == (
        "nightly",
        ["quote", "submit", "read"],
        False,
    )
    assert key.created_by is not None


def test_the_secret_is_on_no_other_page(owner: Client) -> None:
    reply = owner.post("/account/keys", FORM)
    secret = only_secret(reply.content.decode())
    assert "no-store" in reply["Cache-Control"]
    for path in ("/account/keys", "/", "/account"):
        assert secret not in owner.get(path).content.decode()
    assert secret not in str(dict(owner.session))
    assert secret not in str(owner.cookies)


def test_the_first_batch_is_ready_to_run_with_the_new_key(
    owner: Client, settings: Any
) -> None:
    settings.PUBLIC_BASE_URL = "https://batchrouter.example"
    body = owner.post("/account/keys", FORM).content.decode()
    assert f"Authorization: Bearer {only_secret(body)}" in body
    assert "curl -sS https://batchrouter.example/v1/batches" in body


def test_a_key_that_may_not_submit_gets_no_such_command(owner: Client) -> None:
    body = owner.post("/account/keys", {**FORM, "scopes": ["read"]}).content.decode()
    assert "curl" not in body


def test_mode_expiry_and_limit_are_taken(owner: Client) -> None:
    before = clock.now()
    form = {**FORM, "mode": "test", "life_days": "30", "spend_limit": "$25.50"}
    owner.post("/account/keys", form)
    key = ApiKey.objects.get()
    assert key.is_test
    assert key.expires_at is not None
    assert (
        timedelta(0)
        <= key.expires_at - before - timedelta(days=30)
        < timedelta(minutes=1)
    )
    assert key.spend_limit is not None
    assert key.spend_limit.limit_nanousd == 25_500_000_000


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("name", "", "name"),
        ("name", "x" * 81, "name"),
        ("scopes", [], "scopes"),
        ("scopes", ["everything"], "scopes"),
        ("mode", "both", "mode"),
        ("life_days", "10000", "life_days"),
        ("spend_limit", "-1", "spend_limit"),
        ("spend_limit", "0", "spend_limit"),
        ("spend_limit", "1e9", "spend_limit"),
    ],
    ids=[
        "no-name",
        "long-name",
        "no-scope",
        "unknown-scope",
        "mode",
        "expiry",
        "negative",
        "zero",
        "exponent",
    ],
)
def test_what_is_wrong_stands_beside_its_field(
    field: str, value: Any, shown: str, owner: Client
) -> None:
    reply = owner.post("/account/keys", {**FORM, field: value})
    assert reply.status_code == 400
    assert f'id="id_{shown}_error"' in reply.content.decode()
    assert not ApiKey.objects.exists()


def test_what_was_typed_stays(owner: Client) -> None:
    body = owner.post(
        "/account/keys", {**FORM, "spend_limit": "much", "scopes": ["read"]}
    ).content.decode()
    assert 'value="nightly"' in body
    assert 'value="much"' in body
    assert len(re.findall(r'name="scopes"[^>]*checked', body)) == 1


def test_the_list_tells_keys_apart(owner: Client, org: Org) -> None:
    key = make_key(org, spend_limit_nanousd=4_000_000_000).row
    SpendLimit.objects.update(spent_nanousd=1_000_000_000)
    body = owner.get("/account/keys").content.decode()
    assert f"{key.prefix}…" in body
    assert '<progress max="4000000000"' in body
    assert "$1.00" in body
    assert "$4.00" in body


def test_revoking_asks_first_and_ends_the_key(owner: Client, org: Org) -> None:
    key = ApiKeyFactory.create(org=org)
    path = f"/account/keys/{key.public_id}/revoke"
    assert owner.get(path).status_code == 405
    assert f'action="{path}"' in owner.get("/account/keys").content.decode()
    owner.post(path)
    key.refresh_from_db()
    assert key.revoked_at is not None
    assert "Keys that have ended (1)" in owner.get("/account/keys").content.decode()


def test_rotating_shows_a_new_secret_and_lets_the_old_key_run_on(
    owner: Client, org: Org
) -> None:
    old = ApiKeyFactory.create(org=org)
    reply = owner.post(f"/account/keys/{old.public_id}/rotate", {"overlap_hours": "24"})
    new = ApiKey.objects.get(digest=digest(only_secret(reply.content.decode())))
    assert new.replaces == old
    old.refresh_from_db()
    assert old.is_live(clock.now() + timedelta(hours=23))
    assert not old.is_live(clock.now() + timedelta(hours=25))


def test_a_revoked_key_is_not_rotated(owner: Client, org: Org) -> None:
    key = ApiKeyFactory.create(org=org)
    revoke_key(key, now=clock.now())
    reply = owner.post(f"/account/keys/{key.public_id}/rotate", {"overlap_hours": "24"})
    assert reply.status_code == 409
    assert 'role="alert"' in reply.content.decode()
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_members_and_viewers_only_look(role: str, org: Org) -> None:
    key = ApiKeyFactory.create(org=org)
    browser = browser_of(org, role)
    body = browser.get("/account/keys").content.decode()
    assert key.prefix in body
    assert '<form method="post" action="/account/keys' not in body
    for path in ("", f"/{key.public_id}/revoke", f"/{key.public_id}/rotate"):
        form = {**FORM, "overlap_hours": "0"}
        assert browser.post(f"/account/keys{path}", form).status_code == 403
    key.refresh_from_db()
    assert key.is_live(clock.now())
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize("action", ["revoke", "rotate"])
def test_keys_of_others_are_nobodys(action: str, owner: Client) -> None:
    foreign = ApiKeyFactory.create()
    path = f"/account/keys/{foreign.public_id}/{action}"
    assert owner.post(path, {"overlap_hours": "0"}).status_code == 404
    foreign.refresh_from_db()
    assert foreign.is_live(clock.now())
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize("name", NASTY.values(), ids=NASTY)
def test_names_of_keys_are_inert(name: str, owner: Client) -> None:
    made = owner.post("/account/keys", {**FORM, "name": name})
    assert is_inert(made.content.decode(), name)
    assert is_inert(owner.get("/account/keys").content.decode(), name)


def only_secret(body: str) -> str:
    found = set(SECRET.findall(body))
    assert len(found) == 1
    return str(found.pop())
