"""Holding credits."""

from datetime import timedelta

import pytest

from accounts.models import Org
from batchrouter.kit.money import NANO_PER_USD
from billing.ledger import AmountOutOfRange, InsufficientCredits, LedgerKeyReused
from billing.models import LedgerTransaction, Posting, Reservation, ReservationLeg
from billing.reservations import reserve
from billing.selectors import balance, funding_preview, reservation_for
from tests.billing.helpers import balance_of, lines_of
from tests.factories.accounts import OrgFactory
from tests.factories.billing import NOON, GrantFactory, funded_org

pytestmark = pytest.mark.django_db

PURPOSE = "batch:batch_01jd0000000000000000000000"
NEXT_DAY = NOON + timedelta(days=1)


def _reserve(org: Org, amount_nanousd: int, purpose: str = PURPOSE) -> Reservation:
    return reserve(
        org=org,
        purpose=purpose,
        amount_nanousd=amount_nanousd,
        reason="The quoted total of a batch.",
        expires_at=NEXT_DAY,
        now=NOON,
    )


def _promo(org: Org, usd: int, *, days: int | None, key: str) -> str:
    grant = GrantFactory.create(
        org=org,
        amount_nanousd=usd * NANO_PER_USD,
        is_promo=True,
        expires_at=None if days is None else NOON + timedelta(days=days),
        key=key,
    )
    return f"available:promo:{grant.public_id}"


def test_moves_the_amount_from_available_to_reserved() -> None:
    org = funded_org(usd=50)
    held = _reserve(org, 4_410_000_000)
    assert lines_of(held.reserve_transaction.public_id) == {
        "available:paid": 4_410_000_000,
        "reserved": -4_410_000_000,
    }
    assert balance_of(org, "available:paid") == 45_590_000_000
    assert balance_of(org, "reserved") == 4_410_000_000


def test_keeps_the_purpose_the_reason_and_the_end() -> None:
    org = funded_org(usd=50)
    held = _reserve(org, 1)
    assert reservation_for(org, PURPOSE) == held
    assert (held.reason, held.expires_at, held.state) == (
        "The quoted total of a batch.",
        NEXT_DAY,
        "open",
    )
    assert held.public_id.startswith("cres_")


def test_may_take_everything_that_is_available() -> None:
    org = funded_org(usd=50)
    _reserve(org, 50 * NANO_PER_USD)
    assert balance_of(org, "available:paid") == 0


def test_refuses_one_nano_dollar_too_much_and_changes_nothing() -> None:
    org = funded_org(usd=50)
    postings_before = Posting.objects.count()
    with pytest.raises(InsufficientCredits):
        _reserve(org, 50 * NANO_PER_USD + 1)
    assert Posting.objects.count() == postings_before
    assert not Reservation.objects.exists()
    assert balance_of(org, "available:paid") == 50 * NANO_PER_USD


def test_the_refusal_shows_the_funding_preview() -> None:
    org = funded_org(usd=14)
    _reserve(org, 4_250_000_000, "batch:first")
    with pytest.raises(InsufficientCredits) as refusal:
        _reserve(org, 10 * NANO_PER_USD)
    assert refusal.value.status == 402
    assert refusal.value.code == "insufficient_credits"
    assert refusal.value.error_type == "billing_error"
    assert refusal.value.details == {
        "available": {"amount": "9.75", "currency": "usd"},
        "reserved": {"amount": "4.25", "currency": "usd"},
        "quote_total": {"amount": "10.00", "currency": "usd"},
        "shortfall": {"amount": "0.25", "currency": "usd"},
        "can_fund": False,
    }


def test_an_organization_that_never_had_credits_is_refused() -> None:
    with pytest.raises(InsufficientCredits):
        _reserve(OrgFactory.create(), 1)


@pytest.mark.parametrize("amount_nanousd", [0, -1, 10**18 + 1, 2**63])
def test_refuses_an_amount_out_of_range(amount_nanousd: int) -> None:
    org = funded_org(usd=50)
    with pytest.raises(AmountOutOfRange) as refusal:
        _reserve(org, amount_nanousd)
    assert refusal.value.status == 422


def test_the_same_purpose_and_amount_holds_once() -> None:
    org = funded_org(usd=50)
    first = _reserve(org, 5)
    assert _reserve(org, 5) == first
    assert balance(org).reserved_nanousd == 5


def test_the_same_purpose_with_another_amount_is_refused() -> None:
    org = funded_org(usd=50)
    _reserve(org, 5)
    with pytest.raises(LedgerKeyReused):
        _reserve(org, 6)
    assert balance(org).reserved_nanousd == 5


def test_the_same_purpose_of_another_organization_is_refused() -> None:
    _reserve(funded_org(usd=50), 5)
    with pytest.raises(LedgerKeyReused):
        _reserve(funded_org(usd=50), 5)


def test_spends_promotional_credits_first_the_soonest_to_expire_before_others() -> None:
    org = funded_org(usd=50)
    never = _promo(org, 1, days=None, key="never")
    late = _promo(org, 2, days=30, key="late")
    soon = _promo(org, 3, days=2, key="soon")
    held = _reserve(org, 10 * NANO_PER_USD)
    legs = held.legs.order_by("position").values_list("account__code", "amount_nanousd")
    assert list(legs) == [
        (soon, 3 * NANO_PER_USD),
        (late, 2 * NANO_PER_USD),
        (never, 1 * NANO_PER_USD),
        ("available:paid", 4 * NANO_PER_USD),
    ]


def test_takes_no_leg_from_an_empty_bucket() -> None:
    org = funded_org(usd=50)
    _promo(org, 3, days=2, key="soon")
    _reserve(org, 3 * NANO_PER_USD)
    assert ReservationLeg.objects.count() == 1


def test_expired_promotional_credits_cannot_be_reserved() -> None:
    org = funded_org(usd=1)
    _promo(org, 3, days=-1, key="gone")
    with pytest.raises(InsufficientCredits):
        _reserve(org, 2 * NANO_PER_USD)


def test_reserving_ends_expired_promotional_credits() -> None:
    org = funded_org(usd=1)
    code = _promo(org, 3, days=-1, key="gone")
    _reserve(org, 1)
    assert balance_of(org, code) == 0
    expiry = LedgerTransaction.objects.get(kind="expiry")
    assert lines_of(expiry.public_id) == {
        code: 3 * NANO_PER_USD,
        "revenue:breakage": -3 * NANO_PER_USD,
    }


def test_the_balance_adds_up_over_all_buckets() -> None:
    org = funded_org(usd=50)
    _promo(org, 3, days=2, key="soon")
    _reserve(org, 5 * NANO_PER_USD)
    held = balance(org)
    assert held.available_nanousd == 48 * NANO_PER_USD
    assert held.reserved_nanousd == 5 * NANO_PER_USD
    assert held.total_nanousd == 53 * NANO_PER_USD


def test_an_organization_without_accounts_has_nothing() -> None:
    held = balance(OrgFactory.create())
    assert (held.available_nanousd, held.reserved_nanousd) == (0, 0)


def test_the_funding_preview_is_that_of_the_documentation() -> None:
    org = OrgFactory.create()
    GrantFactory.create(org=org, amount_nanousd=18_850_000_000)
    _reserve(org, 4_250_000_000)
    assert funding_preview(org, 420_000_000) == {
        "available": {"amount": "14.60", "currency": "usd"},
        "reserved": {"amount": "4.25", "currency": "usd"},
        "quote_total": {"amount": "0.42", "currency": "usd"},
        "shortfall": {"amount": "0.00", "currency": "usd"},
        "can_fund": True,
    }


def test_another_organization_sees_no_reservation() -> None:
    _reserve(funded_org(usd=50), 5)
    assert reservation_for(OrgFactory.create(), PURPOSE) is None
