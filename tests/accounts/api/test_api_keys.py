"""/v1/auth/account/api-keys."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from accounts.authentication import caller_of_key
from accounts.models import ApiKey, Org, SpendLimit
from batchrouter.kit import clock
from batchrouter.kit.money import NANO_PER_USD
from batchrouter.web.models import IdempotencyRecord
from tests.accounts.api.people import by_token, member
from tests.factories.accounts import OrgFactory, make_key
from tests.support.api_client import ApiClient, error_of
from tests.support.calls import bearer, client

pytestmark = pytest.mark.django_db

KEYS = "/v1/auth/account/api-keys"


@pytest.fixture
def org() -> Org:
    return OrgFactory.create()


def holder(org: Org, **fields: Any) -> ApiClient:
    """Return a caller with a key of every scope, unless told otherwise."""
    return ApiClient(make_key(org, **fields).secret)


def created(caller: ApiClient, body: Any = None, **headers: str) -> dict[str, Any]:
    reply = caller.post(KEYS, body, **headers)
    assert reply.status_code == 201, reply.content
    found: dict[str, Any] = reply.json()
    return found


def refused(reply: Any, status: int, code: str, param: str | None = None) -> None:
    """Check a refusal, and that it made no key beside the caller's."""
    assert error_of(reply) == (status, code)
    assert reply.json()["error"]["param"] == param
    assert ApiKey.objects.count() <= 1


# --- Making one ---


def test_the_secret_of_a_new_key_works(org: Org) -> None:
    made = created(holder(org), {"name": "ci"})
    caller = caller_of_key(made["api_key"])
    assert caller.org == org
    assert caller.key is not None
    assert caller.key.public_id == made["api_key_id"] == made["id"]


def test_a_key_shows_what_it_is() -> None:
    person = member()
    with time_machine.travel("2026-11-22T12:00:00Z", tick=False):
        made = created(
            by_token(person),
            {
                "name": "ci",
                "scopes": ["read", "quote"],
                "expires_at": "2027-01-31T01:00:00+01:00",
                "spend_limit": "25.5",
                "mode": "test",
            },
        )
    assert made.pop("api_key").startswith("ob_test_")
    row = ApiKey.objects.get()
    assert made == {
        "api_key_id": row.public_id,
        "id": row.public_id,
        "object": "api_key",
        "name": "ci",
        "prefix": row.prefix,
        "mode": "test",
        "scopes": ["read", "quote"],
        "state": "active",
        "spend_limit": {"amount": "25.50", "currency": "usd"},
        "spent": {"amount": "0.00", "currency": "usd"},
        "replaces": None,
        "created_by": person.user.public_id,
        "created_at": "2026-11-22T12:00:00.000Z",
        "last_used_at": None,
        "expires_at": "2027-01-31T00:00:00.000Z",
        "revoked_at": None,
    }


def test_a_key_needs_nothing_said_about_it() -> None:
    made = created(by_token(member()))
    assert (made["name"], made["mode"], made["expires_at"]) == ("API key", "live", None)
    assert made["scopes"] == ["quote", "submit", "read", "cancel", "billing"]
    assert (made["spend_limit"], made["spent"]) == (None, None)


def test_a_label_is_another_word_for_the_name(org: Org) -> None:
    assert created(holder(org), {"label": "ci"})["name"] == "ci"


def test_a_spend_limit_may_be_a_money_object(org: Org) -> None:
    money = {"amount": "2.00", "currency": "usd"}
    assert created(holder(org), {"spend_limit": money})["spend_limit"] == money


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"name": 7}, "name"),
        ({"name": "a" * 81}, "name"),
        ({"name": "a", "label": "b"}, "label"),
        ({"scopes": "read"}, "scopes"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes"),
        ({"scopes": [["read"]]}, "scopes"),
        ({"scopes": {"read": True}}, "scopes"),
        ({"expires_at": 1}, "expires_at"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"expires_at": "2027-01-31"}, "expires_at"),
        ({"expires_at": "2027-01-31T00:00:00"}, "expires_at"),
        ({"expires_at": "2027-13-31T00:00:00Z"}, "expires_at"),
        ({"expires_at": "0001-01-01T00:00:00+14:00"}, "expires_at"),
        ({"expires_at": "2020-01-31T00:00:00Z"}, "expires_at"),
        ({"spend_limit": 5}, "spend_limit"),
        ({"spend_limit": "0"}, "spend_limit"),
        ({"spend_limit": "-1"}, "spend_limit"),
        ({"spend_limit": "1e3"}, "spend_limit"),
        ({"spend_limit": ["1"]}, "spend_limit"),
        ({"spend_limit": {"amount": 1, "currency": "usd"}}, "spend_limit"),
        ({"spend_limit": {"amount": "1", "currency": "eur"}}, "spend_limit"),
        ({"mode": "sandbox"}, "mode"),
        ({"mode": True}, "mode"),
    ],
)
def test_a_bad_field_is_refused_by_name(
    org: Org, body: dict[str, Any], param: str
) -> None:
    refused(holder(org).post(KEYS, body), 400, "invalid_request", param)
    assert not SpendLimit.objects.exists()


def test_an_unknown_field_is_refused_by_name(org: Org) -> None:
    reply = holder(org).post(KEYS, {"name": "ci", "org": "org_other"})
    refused(reply, 400, "unknown_field", "org")


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_people_who_may_not_administer_make_no_key(role: str) -> None:
    refused(by_token(member(role=role)).post(KEYS), 403, "scope_required")


def test_a_key_without_the_scope_makes_no_key(org: Org) -> None:
    refused(holder(org, scopes=["read"]).post(KEYS), 403, "scope_required")


# --- A key's own keys ---


def test_a_key_hands_on_no_scope_that_it_lacks(org: Org) -> None:
    caller = holder(org, scopes=["admin", "read"])
    reply = caller.post(KEYS, {"scopes": ["read", "submit"]})
    refused(reply, 403, "scope_required", "scopes")
    assert reply.json()["error"]["details"] == {"scope": "submit"}


def test_a_key_of_a_key_has_the_usual_scopes_that_its_maker_has(org: Org) -> None:
    caller = holder(org, scopes=["admin", "read", "quote"])
    assert created(caller)["scopes"] == ["quote", "read"]


def test_a_key_that_only_administers_names_the_scopes(org: Org) -> None:
    refused(holder(org, scopes=["admin"]).post(KEYS), 400, "invalid_request", "scopes")


def test_a_test_key_makes_test_keys_only(org: Org) -> None:
    caller = holder(org, is_test=True)
    refused(caller.post(KEYS, {"mode": "live"}), 403, "key_exceeds_maker", "mode")
    assert created(caller)["mode"] == "test"


def test_a_key_of_a_key_ends_with_it_at_the_latest(org: Org) -> None:
    with time_machine.travel("2026-11-22T12:00:00Z", tick=False):
        caller = holder(org, expires_at=clock.now() + timedelta(days=1))
        late = caller.post(KEYS, {"expires_at": "2026-11-23T12:00:01Z"})
        refused(late, 403, "key_exceeds_maker", "expires_at")
        assert created(caller)["expires_at"] == "2026-11-23T12:00:00.000Z"


def test_a_key_of_a_limited_key_shares_its_limit(org: Org) -> None:
    maker = make_key(org, spend_limit_nanousd=5 * NANO_PER_USD)
    made = created(ApiClient(maker.secret))
    child = ApiKey.objects.get(public_id=made["id"])
    assert child.spend_limit_id == maker.row.spend_limit_id


def test_a_limited_key_gives_no_limit_of_its_own(org: Org) -> None:
    caller = holder(org, spend_limit_nanousd=5 * NANO_PER_USD)
    reply = caller.post(KEYS, {"spend_limit": "1.00"})
    refused(reply, 403, "key_exceeds_maker", "spend_limit")


# --- Once per Idempotency-Key ---


def test_a_repeated_create_makes_one_key_and_shows_no_secret_again(org: Org) -> None:
    caller = holder(org)
    first = created(caller, {"name": "ci"}, idempotency_key="k-1")
    again = caller.post(KEYS, {"name": "ci"}, idempotency_key="k-1")
    assert again.status_code == 201
    assert again["Idempotent-Replayed"] == "true"
    assert again.json() == first | {"api_key": None}
    assert ApiKey.objects.count() == 2


def test_no_secret_is_kept_for_a_repetition(org: Org) -> None:
    made = created(holder(org), {"name": "ci"}, idempotency_key="k-1")
    kept = bytes(IdempotencyRecord.objects.get().body or b"")
    assert made["api_key_id"].encode() in kept
    assert made["api_key"].encode() not in kept


def test_a_repeated_key_with_another_body_is_refused(org: Org) -> None:
    caller = holder(org)
    created(caller, {"name": "ci"}, idempotency_key="k-1")
    reply = caller.post(KEYS, {"name": "cd"}, idempotency_key="k-1")
    assert error_of(reply) == (422, "idempotency_key_reused")
    assert ApiKey.objects.count() == 2


# --- Seeing them ---


def test_keys_are_listed_newest_first_without_secrets(org: Org) -> None:
    caller = holder(org)
    made = created(caller, {"name": "ci"})
    reply = caller.get(KEYS)
    assert [row["name"] for row in reply.json()["data"]] == ["ci", "test"]
    assert reply.json()["data"][1]["last_used_at"] is not None
    assert made["api_key"][12:] not in reply.content.decode()


def test_a_list_says_which_keys_have_ended(org: Org) -> None:
    now = clock.now()
    make_key(org, expires_at=now)
    revoked = make_key(org).row
    ApiKey.objects.filter(pk=revoked.pk).update(revoked_at=now)
    rows = holder(org).get(KEYS).json()["data"]
    assert [row["state"] for row in rows] == ["active", "revoked", "expired"]


def test_a_list_goes_on_where_a_page_ends(org: Org) -> None:
    caller = holder(org)
    make_key(org)
    first = caller.get(f"{KEYS}?limit=1").json()
    rest = caller.get(f"{KEYS}?limit=1&cursor={first['next_cursor']}").json()
    assert (first["has_more"], rest["has_more"]) == (True, False)
    assert first["data"][0]["id"] != rest["data"][0]["id"]


def test_keys_of_others_are_neither_listed_nor_found(org: Org) -> None:
    theirs = make_key(OrgFactory.create()).row
    caller = holder(org)
    path = f"{KEYS}/{theirs.public_id}"
    assert len(caller.get(KEYS).json()["data"]) == 1
    assert error_of(caller.get(path)) == (404, "not_found")
    assert error_of(caller.delete(path)) == (404, "not_found")
    assert error_of(caller.post(f"{path}/rotate")) == (404, "not_found")
    theirs.refresh_from_db()
    assert (theirs.revoked_at, theirs.expires_at) == (None, None)


def test_one_key_is_shown_without_its_secret(org: Org) -> None:
    made = make_key(org)
    reply = ApiClient(made.secret).get(f"{KEYS}/{made.row.public_id}")
    assert reply.json()["prefix"] == made.secret[:12]
    assert made.secret[12:] not in reply.content.decode()


# --- Ending and rotating ---


def test_a_revoked_key_is_refused_at_the_very_next_call(org: Org) -> None:
    made = make_key(org)
    path = f"{KEYS}/{made.row.public_id}"
    assert holder(org).delete(path).status_code == 204
    assert error_of(ApiClient(made.secret).get(KEYS)) == (401, "invalid_api_key")


def test_a_key_may_end_itself(org: Org) -> None:
    made = make_key(org)
    caller = ApiClient(made.secret)
    assert caller.delete(f"{KEYS}/{made.row.public_id}").status_code == 204
    assert error_of(caller.get(KEYS)) == (401, "invalid_api_key")


def test_both_keys_work_during_the_overlap(org: Org) -> None:
    with time_machine.travel("2026-11-22T12:00:00Z", tick=False) as traveller:
        old = make_key(org)
        path = f"{KEYS}/{old.row.public_id}/rotate"
        made = ApiClient(old.secret).post(path, {"overlap_seconds": 60}).json()
        assert made["replaces"] == old.row.public_id
        new = ApiClient(made["api_key"])
        assert ApiClient(old.secret).get(KEYS).status_code == 200
        assert new.get(KEYS).status_code == 200
        traveller.shift(60)
        assert error_of(ApiClient(old.secret).get(KEYS)) == (401, "invalid_api_key")
        assert new.get(KEYS).status_code == 200


@pytest.mark.parametrize("seconds", [-1, 604_801, 1.5, "60", True, [60]])
def test_a_bad_overlap_is_refused(org: Org, seconds: Any) -> None:
    old = make_key(org)
    path = f"{KEYS}/{old.row.public_id}/rotate"
    reply = ApiClient(old.secret).post(path, {"overlap_seconds": seconds})
    refused(reply, 400, "invalid_request", "overlap_seconds")
    assert ApiKey.objects.get().expires_at is None


def test_a_second_rotation_is_a_conflict(org: Org) -> None:
    old = make_key(org)
    path = f"{KEYS}/{old.row.public_id}/rotate"
    assert ApiClient(old.secret).post(path).status_code == 201
    assert error_of(ApiClient(old.secret).post(path)) == (409, "key_replaced")
    assert ApiKey.objects.count() == 2


def test_a_repeated_rotation_answers_alike_without_the_secret(org: Org) -> None:
    old = make_key(org)
    caller = ApiClient(old.secret)
    path = f"{KEYS}/{old.row.public_id}/rotate"
    first = caller.post(path, idempotency_key="k-1").json()
    again = caller.post(path, idempotency_key="k-1").json()
    assert again == first | {"api_key": None}
    assert ApiKey.objects.count() == 2


@pytest.mark.parametrize(
    ("weak", "code"),
    [
        ({"scopes": ["admin", "read"]}, "scope_required"),
        ({"is_test": True}, "key_exceeds_maker"),
        ({"expires_at": "soon"}, "key_exceeds_maker"),
        ({"spend_limit_nanousd": 1}, "key_exceeds_maker"),
    ],
)
def test_a_weaker_key_does_not_get_a_stronger_one_by_rotating_it(
    org: Org, weak: dict[str, Any], code: str
) -> None:
    strong = make_key(org).row
    if "expires_at" in weak:
        weak = {"expires_at": clock.now() + timedelta(hours=1)}
    reply = holder(org, **weak).post(f"{KEYS}/{strong.public_id}/rotate")
    assert error_of(reply) == (403, code)
    strong.refresh_from_db()
    assert strong.expires_at is None
    assert ApiKey.objects.count() == 2


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k-1"}])
def test_a_rotation_needs_no_body(org: Org, headers: dict[str, str]) -> None:
    old = make_key(org)
    path = f"{KEYS}/{old.row.public_id}/rotate"
    reply = client().generic("POST", path, headers=bearer(old.secret) | headers)
    assert reply.status_code == 201


def test_a_limited_key_rotates_itself(org: Org) -> None:
    made = make_key(
        org, spend_limit_nanousd=1, expires_at=clock.now() + timedelta(hours=1)
    )
    path = f"{KEYS}/{made.row.public_id}/rotate"
    assert ApiClient(made.secret).post(path).status_code == 201
