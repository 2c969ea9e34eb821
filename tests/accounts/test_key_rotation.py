"""A key that takes over from another."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.keys import KeyEnded, KeyReplaced, key_of, revoke_key, rotate_key
from accounts.models import ApiKey, SpendLimit
from batchrouter.kit.errors import InvalidRequest, NotFound
from batchrouter.kit.money import NANO_PER_USD
from tests.factories.accounts import OrgFactory, UserFactory, make_key

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def old_key(**fields: Any) -> ApiKey:
    return make_key(OrgFactory.create(), **fields).row


def test_the_new_key_is_like_the_old_one() -> None:
    old = old_key(scopes=["read"], is_test=True, expires_at=NOON + 100 * HOUR)
    made = rotate_key(old, now=NOON)
    assert made.secret.startswith("ob_test_")
    assert (made.row.org, made.row.name, made.row.scopes) == (
        old.org,
        old.name,
        ["read"],
    )
    assert (made.row.is_test, made.row.expires_at) == (True, NOON + 100 * HOUR)
    assert made.row.replaces == old


def test_whoever_rotates_it_is_noted() -> None:
    person = UserFactory.create()
    assert rotate_key(old_key(), created_by=person, now=NOON).row.created_by == person


def test_both_share_one_spend_limit() -> None:
    old = old_key(spend_limit_nanousd=5 * NANO_PER_USD)
    made = rotate_key(old, now=NOON)
    assert made.row.spend_limit_id == old.spend_limit_id
    assert SpendLimit.objects.count() == 1


@pytest.mark.parametrize(
    ("overlap", "ends_at"),
    [
        (timedelta(0), NOON),
        (HOUR, NOON + HOUR),
        (timedelta(days=7), NOON + timedelta(days=7)),
    ],
)
def test_the_old_key_ends_after_the_overlap(
    overlap: timedelta, ends_at: datetime
) -> None:
    old = old_key()
    rotate_key(old, overlap=overlap, now=NOON)
    old.refresh_from_db()
    assert old.expires_at == ends_at
    assert not old.is_live(ends_at)


def test_the_old_key_works_a_day_longer_unless_told_otherwise() -> None:
    old = old_key()
    rotate_key(old, now=NOON)
    old.refresh_from_db()
    assert old.expires_at == NOON + timedelta(days=1)


def test_an_old_key_that_ends_sooner_still_does() -> None:
    old = old_key(expires_at=NOON + HOUR)
    rotate_key(old, overlap=2 * HOUR, now=NOON)
    old.refresh_from_db()
    assert old.expires_at == NOON + HOUR


@pytest.mark.parametrize(
    "overlap", [timedelta(seconds=-1), timedelta(days=7, seconds=1)]
)
def test_an_overlap_is_zero_to_seven_days(overlap: timedelta) -> None:
    old = old_key()
    with pytest.raises(InvalidRequest):
        rotate_key(old, overlap=overlap, now=NOON)
    assert ApiKey.objects.get().expires_at is None


def test_a_revoked_key_cannot_be_rotated() -> None:
    old = old_key()
    revoke_key(old, now=NOON)
    with pytest.raises(KeyEnded):
        rotate_key(old, now=NOON)
    assert ApiKey.objects.count() == 1


def test_an_expired_key_cannot_be_rotated() -> None:
    old = old_key(expires_at=NOON)
    with pytest.raises(KeyEnded):
        rotate_key(old, now=NOON)
    assert ApiKey.objects.count() == 1


def test_a_key_is_rotated_once_while_its_successor_lives() -> None:
    old = old_key()
    made = rotate_key(old, now=NOON)
    with pytest.raises(KeyReplaced) as refused:
        rotate_key(old, now=NOON)
    assert refused.value.details == {"replaced_by": made.row.public_id}
    assert ApiKey.objects.count() == 2


def test_a_key_whose_successor_was_revoked_is_rotated_again_for_as_long() -> None:
    old = old_key(expires_at=NOON + 100 * HOUR)
    revoke_key(rotate_key(old, overlap=HOUR, now=NOON).row, now=NOON)
    again = rotate_key(old, overlap=HOUR, now=NOON)
    assert again.row.expires_at == NOON + 100 * HOUR


def test_a_key_is_found_in_its_organization_only() -> None:
    key = old_key()
    assert key_of(key.org, key.public_id) == key
    with pytest.raises(NotFound):
        key_of(OrgFactory.create(), key.public_id)


@pytest.mark.usefixtures("committed_db")
def test_of_many_rotations_at_once_one_makes_a_key() -> None:
    old, gate = old_key(), threading.Barrier(8)

    def rotate(_number: int) -> str:
        gate.wait()
        try:
            rotate_key(old, now=NOON)
        except KeyReplaced:
            return "refused"
        finally:
            connection.close()
        return "made"

    with ThreadPoolExecutor(8) as pool:
        outcomes = sorted(pool.map(rotate, range(8)))

    assert outcomes == ["made"] + ["refused"] * 7
    assert ApiKey.objects.count() == 2
