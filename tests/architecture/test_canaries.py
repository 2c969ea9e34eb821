"""No password, key or token is ever written where somebody could read it.

Everything that takes or shows a secret is done with unmistakable ones, and then every
place is searched: logs, what loggers are handed, error replies, messages to the broker,
subjects of mails, and every column of every table.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks
from pytest_django.fixtures import Settings

from accounts.models import Membership
from catalog.loading import load_catalog
from tests.architecture.sinks import Caller, Sinks, watched
from tests.factories.batches import clean_store, make_items
from tests.factories.billing import GrantFactory
from tests.factories.catalog import LONG_AGO
from tests.support.mailbox import Mailbox

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.urls("tests.architecture.canary_urls"),
]

EMAIL = "ada@example.com"
FRIEND = "grace@example.com"
PASSWORDS = {
    "the first password": "canary-first-7Qm2",
    "a wrong password": "canary-wrong-9Zx4",
    "the reset password": "canary-reset-3Kp8",
    "the changed password": "canary-changed-5Tw1",
    "the friend's password": "canary-friend-6Hd0",
    "a weak password": "canary-w",
}

Canaries = dict[str, str]


@pytest.fixture
def sinks(mailbox: Mailbox, settings: Settings, tmp_path: Path) -> Iterator[Sinks]:
    settings.ARTIFACTS_DIR = tmp_path / "artifacts"
    settings.SANDBOX_PROVIDERS_URL = "http://127.0.0.1:9"  # nobody answers there
    with clean_store(), watched(mailbox.folder) as sinks:
        yield sinks


def ok(reply: Any) -> Any:
    assert reply.status_code < 300, reply.content
    return reply.json() if reply.content else {}


def sign_up(sinks: Sinks, mailbox: Mailbox) -> Canaries:
    """Register, confirm, and try what is refused."""
    someone, password = Caller(sinks), PASSWORDS["the first password"]
    body = {"email": EMAIL, "password": password}
    assert someone.post("/v1/auth/register", {**body, "extra": 1}).status_code == 400
    weak = {**body, "password": PASSWORDS["a weak password"]}
    assert someone.post("/v1/auth/register", weak).status_code == 400
    ok(someone.post("/v1/auth/register", body))
    token = mailbox.token(EMAIL)
    ok(someone.post("/v1/auth/verify-email/confirm", {"token": token}))
    again = someone.post("/v1/auth/verify-email/confirm", {"token": token})
    assert again.status_code == 400
    return {"the sign-up's token": token}


def log_in(sinks: Sinks, password: str) -> str:
    """Log in by cookie, by token, and with a wrong password; return the token."""
    someone = Caller(sinks)
    body = {"email": EMAIL, "password": password}
    wrong = {**body, "password": PASSWORDS["a wrong password"]}
    assert someone.post("/v1/auth/login", wrong).status_code == 401
    ok(someone.post("/v1/auth/login", body))
    sent = someone.post("/v1/auth/login", {**body, "issue_token": True})
    return str(ok(sent)["session_token"])


def reset(sinks: Sinks, mailbox: Mailbox) -> Canaries:
    """Forget the password, and set another by the mail."""
    someone = Caller(sinks)
    ok(someone.post("/v1/auth/password/reset", {"email": EMAIL}))
    token = mailbox.token(EMAIL)
    body = {"token": token, "password": PASSWORDS["the reset password"]}
    ok(someone.post("/v1/auth/password/reset/confirm", body))
    used = someone.post("/v1/auth/password/reset/confirm", body)
    assert used.status_code == 400
    return {"the reset's token": token}


def change_password(sinks: Sinks, token: str) -> None:
    """Replace the password as the person, after a wrong try."""
    person = Caller(sinks, token)
    body = {
        "current_password": PASSWORDS["a wrong password"],
        "new_password": PASSWORDS["the changed password"],
    }
    path = "/v1/auth/account/password"
    assert person.post(path, body).status_code == 403
    ok(person.post(path, {**body, "current_password": PASSWORDS["the reset password"]}))


def handle_keys(sinks: Sinks, token: str) -> Canaries:
    """Make a key, rotate it and revoke it, with and without idempotency keys."""
    person, path = Caller(sinks, token), "/v1/auth/account/api-keys"
    made = ok(person.post(path, {"name": "first"}, idempotency_key="make-1"))
    ok(person.post(path, {"name": "first"}, idempotency_key="make-1"))
    key_id = made["id"]
    heir = ok(person.post(f"{path}/{key_id}/rotate", {}, idempotency_key="rotate-1"))
    lost = ok(person.post(path, {"name": "lost"}))
    assert person.delete(f"{path}/{lost['id']}").status_code == 204
    refused = Caller(sinks, lost["api_key"]).post("/v1/batches/quote", {})
    assert refused.status_code == 401
    return {
        "a key": made["api_key"],
        "a rotated key": heir["api_key"],
        "a revoked key": lost["api_key"],
    }


def invite(sinks: Sinks, mailbox: Mailbox, token: str) -> Canaries:
    """Invite somebody, who makes an account by it."""
    person = Caller(sinks, token)
    offer = {"email": FRIEND, "role": "member"}
    ok(person.post("/v1/auth/account/invitations", offer))
    taken = mailbox.token(FRIEND)
    body = {"token": taken, "password": PASSWORDS["the friend's password"]}
    ok(Caller(sinks).post("/v1/auth/account/invitations/accept", body))
    return {"the invitation's token": taken}


def submit_batch(sinks: Sinks, key: str) -> None:
    """Pay for a batch by key, and be refused one."""
    load_catalog(now=LONG_AGO)
    org = Membership.objects.get(user__email=EMAIL).org
    GrantFactory.create(org=org)
    caller = Caller(sinks, key)
    ok(caller.post("/v1/batches", {"items": make_items(2)}, idempotency_key="batch-1"))
    refused = caller.post("/v1/batches", {"items": [], "password": "x"})
    assert refused.status_code == 400
    assert caller.post(f"/v1/batches?key={key}", {}).status_code == 400


def crash(sinks: Sinks, canaries: Canaries) -> None:
    """Break something with every secret in its hands."""
    for secret in canaries.values():
        body = {"password": secret, "nested": [{"new_password": secret}]}
        reply = Caller(sinks, secret).post(
            "/v1/canary/crash", body, cookie=f"sessionid={secret}"
        )
        assert reply.status_code == 500


def test_no_secret_is_written_anywhere(
    sinks: Sinks,
    mailbox: Mailbox,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        canaries = PASSWORDS | sign_up(sinks, mailbox)
        first = log_in(sinks, PASSWORDS["the first password"])
        canaries |= reset(sinks, mailbox)
        second = log_in(sinks, PASSWORDS["the reset password"])
        change_password(sinks, second)
        third = log_in(sinks, PASSWORDS["the changed password"])
        canaries |= handle_keys(sinks, third) | invite(sinks, mailbox, third)
        submit_batch(sinks, canaries["a rotated key"])
        canaries |= {"a token": first, "another token": second, "the last": third}
        crash(sinks, canaries)
    # Where nothing was written, nothing would be proven.
    assert all(sinks.contents().values())
    assert sinks.holding(canaries) == []


@pytest.mark.parametrize(
    ("door", "sentences"),
    [
        ("log", ["the password is in log", "the password is in records"]),
        ("key-in-log", ["the key is in records"]),
        ("reply", ["the password is in refusals"]),
        ("database", ["the key is in accounts_org.name"]),
        ("broker", ["the key is in messages"]),
        ("subject", ["the password is in subjects"]),
        ("crash", []),
    ],
)
def test_a_leak_is_found_where_it_is(
    door: str,
    sentences: list[str],
    sinks: Sinks,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    key, password = "ob_live_" + "c4n4ry" * 6, "canary-seeded-2Vb9"
    with django_capture_on_commit_callbacks(execute=True):
        Caller(sinks, key).post(f"/v1/canary/{door}", {"password": password})
    assert sinks.holding({"the key": key, "the password": password}) == sentences
