"""The low-balance notice: once per crossing, in the transaction that crossed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import Org, Role
from batchrouter.kit.money import NANO_PER_USD
from billing.balance_watch import (
    ThresholdOutOfRange,
    hand_on,
    low_balance,
    set_threshold,
    threshold_of,
)
from billing.models import BalanceNotice, BalanceWatch
from billing.profiles import change_profile
from billing.reservations import release, reserve
from billing.signals import balance_crossed
from tests.billing.helpers import top_up
from tests.factories.accounts import MembershipFactory, OrgFactory
from tests.factories.billing import NOON, GrantFactory, funded_org
from tests.support.mailbox import Mailbox

pytestmark = pytest.mark.django_db

USD = NANO_PER_USD


def _hold(org: Org, usd: int, purpose: str) -> None:
    reserve(
        org=org,
        purpose=purpose,
        amount_nanousd=usd * USD,
        reason="a test",
        expires_at=NOON + timedelta(days=1),
        now=NOON,
    )


@pytest.fixture
def heard() -> Iterator[list[dict[str, Any]]]:
    """What the signal said, and whether it said it inside a transaction."""
    calls: list[dict[str, Any]] = []

    def listen(**said: Any) -> None:
        calls.append({**said, "in_transaction": connection.in_atomic_block})

    balance_crossed.connect(listen)
    yield calls
    balance_crossed.disconnect(listen)


def test_a_posting_that_crosses_the_line_writes_one_notice() -> None:
    org = funded_org(usd=50)
    _hold(org, 41, "p:1")
    notice = BalanceNotice.objects.get()
    assert (notice.kind, notice.org) == ("credits.low", org)
    assert notice.transaction.key == "p:1:reserve"
    assert notice.available_nanousd == 9 * USD
    assert notice.threshold_nanousd == 10 * USD


def test_a_balance_on_the_line_is_not_below_it() -> None:
    org = funded_org(usd=50)
    _hold(org, 40, "p:1")
    assert not BalanceNotice.objects.exists()
    assert low_balance(org) is None


def test_further_postings_below_the_line_say_nothing_more() -> None:
    org = funded_org(usd=50)
    for number in range(3):
        _hold(org, 41 if number == 0 else 1, f"p:{number}")
    assert BalanceNotice.objects.count() == 1


def test_a_top_up_that_stays_below_does_not_arm_it_again() -> None:
    org = funded_org(usd=50)
    _hold(org, 45, "p:1")
    top_up(org, 2 * USD)
    _hold(org, 2, "p:2")
    assert BalanceNotice.objects.count() == 1


def test_it_is_armed_again_once_the_balance_is_back_above() -> None:
    org = funded_org(usd=50)
    _hold(org, 41, "p:1")
    release(purpose="p:1", now=NOON)
    assert low_balance(org) is None
    _hold(org, 42, "p:2")
    assert BalanceNotice.objects.count() == 2


def test_the_first_credits_warn_nobody_even_below_the_line() -> None:
    org = OrgFactory.create()
    GrantFactory.create(org=org, amount_nanousd=5 * USD)
    assert not BalanceNotice.objects.exists()
    assert low_balance(org) is not None


def test_promotional_credits_count() -> None:
    org = funded_org(usd=5)
    GrantFactory.create(org=org, amount_nanousd=6 * USD, is_promo=True, key="promo")
    assert low_balance(org) is None
    _hold(org, 2, "p:1")
    assert BalanceNotice.objects.get().available_nanousd == 9 * USD


def test_a_notice_is_rolled_back_with_its_posting() -> None:
    org = funded_org(usd=50)
    with transaction.atomic():
        _hold(org, 45, "p:1")
        transaction.set_rollback(True)
    assert not BalanceNotice.objects.exists()
    assert low_balance(org) is None


def test_the_signal_is_sent_inside_the_transaction(
    heard: list[dict[str, Any]],
) -> None:
    org = funded_org(usd=50)
    _hold(org, 45, "p:1")
    (said,) = heard
    assert said["in_transaction"]
    assert said["org"] == org
    assert said["available_nanousd"] == 5 * USD
    assert said["threshold_nanousd"] == 10 * USD
    assert said["notice"] == BalanceNotice.objects.get()


def test_an_org_chooses_its_own_line() -> None:
    org = funded_org(usd=50)
    set_threshold(org, 30 * USD)
    _hold(org, 21, "p:1")
    assert BalanceNotice.objects.get().threshold_nanousd == 30 * USD
    assert threshold_of(org) == 30 * USD


def test_a_line_of_zero_warns_never() -> None:
    org = funded_org(usd=50)
    set_threshold(org, 0)
    _hold(org, 50, "p:1")
    assert not BalanceNotice.objects.exists()


def test_moving_the_line_over_the_balance_shows_the_warning_but_tells_nobody() -> None:
    org = funded_org(usd=50)
    set_threshold(org, 60 * USD)
    assert low_balance(org) is not None
    assert not BalanceNotice.objects.exists()


@pytest.mark.parametrize("threshold_nanousd", [-1, 10**18 + 1])
def test_refuses_a_line_out_of_range(threshold_nanousd: int) -> None:
    org = funded_org(usd=50)
    with pytest.raises(ThresholdOutOfRange):
        set_threshold(org, threshold_nanousd)
    assert threshold_of(org) == 10 * USD


def test_a_notice_is_handed_on_once() -> None:
    org = funded_org(usd=50)
    _hold(org, 45, "p:1")
    notice = BalanceNotice.objects.get()
    assert notice.handed_on_at == notice.created_at
    assert not hand_on(notice, now=NOON)


def test_everybody_who_can_buy_gets_one_letter(mailbox: Mailbox) -> None:
    org = funded_org(usd=50)
    owner = MembershipFactory.create(org=org)
    MembershipFactory.create(org=org, role=Role.VIEWER)
    change_profile(org, email="pay@example.com")
    _hold(org, 45, "p:1")
    letters = mailbox.letters()
    assert {letter.to for letter in letters} == {"pay@example.com", owner.user.email}
    assert letters[0].subject == f"Credits of {org.name} are low"
    assert "5.00 USD of credits are left" in letters[0].text
    assert "http://127.0.0.1:8000/billing" in letters[0].text


def test_the_organizations_name_is_inert_in_the_letter(mailbox: Mailbox) -> None:
    org = funded_org(usd=50)
    org.name = "<script>alert(1)</script>\r\nBcc: eve@example.com"
    org.save(update_fields=["name"])
    MembershipFactory.create(org=org)
    _hold(org, 45, "p:1")
    (letter,) = mailbox.letters()
    assert "<script>" not in letter.html
    assert "\n" not in letter.subject


def test_twenty_postings_beside_each_other_cross_once(committed_db: None) -> None:
    org = funded_org(usd=50)

    def hold(number: int) -> None:
        try:
            _hold(org, 4, f"p:{number}")
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(hold, range(12)))
    assert BalanceNotice.objects.count() == 1
    assert BalanceWatch.objects.get(org=org).is_below
