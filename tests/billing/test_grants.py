"""Credits from operators, and their end."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.models import Org
from batchrouter.kit.money import NANO_PER_USD
from billing.grants import expire_all_due_grants, expire_due_grants, grant_credits
from billing.ledger import AmountOutOfRange, LedgerKeyReused
from billing.models import Grant, LedgerTransaction
from billing.selectors import balance
from tests.billing.helpers import balance_of, lines_of
from tests.factories.accounts import OrgFactory
from tests.factories.billing import NOON, GrantFactory

pytestmark = pytest.mark.django_db

USD = NANO_PER_USD


@pytest.fixture
def org() -> Org:
    return OrgFactory.create()


def _grant(org: Org, **changes: Any) -> Grant:
    wanted: dict[str, Any] = {
        "amount_nanousd": 25 * USD,
        "reason": "Launch partner.",
        "actor": "operator:ada",
        "key": "partner-1",
    }
    return grant_credits(org=org, **(wanted | changes))


def test_gives_credit_that_is_like_paid_credit(org: Org) -> None:
    grant = _grant(org)
    assert lines_of(grant.transaction.public_id) == {
        "expense:goodwill": 25 * USD,
        "available:paid": -25 * USD,
    }
    assert balance(org).available_nanousd == 25 * USD


def test_gives_promotional_credit_into_an_account_of_its_own(org: Org) -> None:
    grant = _grant(org, is_promo=True)
    assert lines_of(grant.transaction.public_id) == {
        "expense:promo": 25 * USD,
        f"available:promo:{grant.public_id}": -25 * USD,
    }
    assert balance(org).available_nanousd == 25 * USD


def test_the_ledger_says_who_gave_and_why(org: Org) -> None:
    posted = _grant(org).transaction
    assert (posted.actor, posted.reason) == ("operator:ada", "Launch partner.")


def test_the_same_key_gives_once(org: Org) -> None:
    assert _grant(org) == _grant(org)
    assert balance(org).available_nanousd == 25 * USD


def test_the_same_key_with_another_amount_is_refused(org: Org) -> None:
    _grant(org)
    with pytest.raises(LedgerKeyReused):
        _grant(org, amount_nanousd=26 * USD)
    assert balance(org).available_nanousd == 25 * USD


def test_the_same_key_serves_two_organizations(org: Org) -> None:
    other = OrgFactory.create()
    assert _grant(org) != _grant(other)


@pytest.mark.parametrize("field", ["reason", "actor", "key"])
def test_refuses_a_grant_that_does_not_say_who_or_why(org: Org, field: str) -> None:
    with pytest.raises(ValueError, match="needs a reason"):
        _grant(org, **{field: "  "})
    assert not Grant.objects.exists()


@pytest.mark.parametrize("amount_nanousd", [0, -1, 10**18 + 1])
def test_refuses_an_amount_out_of_range(org: Org, amount_nanousd: int) -> None:
    with pytest.raises(AmountOutOfRange):
        _grant(org, amount_nanousd=amount_nanousd)


def test_refuses_paid_like_credit_that_would_expire(org: Org) -> None:
    with pytest.raises(ValueError, match="only promotional"):
        _grant(org, expires_at=NOON)


def _expiring(org: Org, at: datetime, key: str = "promo") -> Grant:
    return GrantFactory.create(
        org=org, amount_nanousd=3 * USD, is_promo=True, expires_at=at, key=key
    )


def test_the_unspent_rest_of_an_expired_grant_ends(org: Org) -> None:
    grant = _expiring(org, NOON)
    assert expire_due_grants(org=org, now=NOON) == 1
    assert balance_of(org, f"available:promo:{grant.public_id}") == 0
    expiry = LedgerTransaction.objects.get(kind="expiry")
    assert lines_of(expiry.public_id)["revenue:breakage"] == -3 * USD


def test_a_grant_is_good_until_its_instant(org: Org) -> None:
    _expiring(org, NOON + timedelta(milliseconds=1))
    assert expire_due_grants(org=org, now=NOON) == 0
    assert balance(org).available_nanousd == 3 * USD


def test_a_grant_ends_once(org: Org) -> None:
    _expiring(org, NOON)
    expire_due_grants(org=org, now=NOON)
    assert expire_due_grants(org=org, now=NOON) == 0


def test_grants_of_every_organization_end() -> None:
    for _ in range(2):
        _expiring(OrgFactory.create(), NOON)
    assert expire_all_due_grants(now=NOON) == 2
    assert expire_all_due_grants(now=NOON) == 0
