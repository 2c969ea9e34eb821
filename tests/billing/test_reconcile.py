"""Every proof must catch the damage that it is there for."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from billing import reconcile as books
from billing.freeze import current_freeze
from billing.models import (
    LedgerAccount,
    MoneyFreeze,
    Posting,
    ReconcileRun,
    Reservation,
)
from billing.receipts import issue_receipt
from billing.reconcile import reconcile, register_check, run_checks
from billing.reservations import settle
from billing.tasks import reconcile_books
from tests.billing.helpers import balance_of, check_deferred, execute, without_triggers
from tests.factories.accounts import OrgFactory
from tests.factories.billing import NOON, GrantFactory, ReservationFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def held() -> Reservation:
    """Books with every kind of row in them: all proofs hold."""
    held = ReservationFactory.create(purpose="batch:open")
    GrantFactory.create(
        org=held.org,
        amount_nanousd=9_000,
        is_promo=True,
        expires_at=NOON + timedelta(days=3),
        key="promo",
    )
    done = ReservationFactory.create(org=held.org, purpose="batch:done")
    settle(purpose=done.purpose, usage_nanousd=7_000, fee_nanousd=500, now=NOON)
    for number in (1, 2, 3):
        issue_receipt(
            org=held.org,
            kind="billing",
            purpose=f"p:{number}",
            document={"number_of_lines": number},
            now=NOON,
        )
    check_deferred()
    return held


def failed(now: datetime = NOON, since: datetime | None = None) -> dict[str, list[str]]:
    results = run_checks(now=now, since=since)
    return {result.code: result.problems for result in results if not result.ok}


def test_empty_books_hold() -> None:
    assert failed() == {}


@pytest.mark.usefixtures("held")
def test_undamaged_books_hold() -> None:
    assert failed() == {}


def test_the_codes_are_those_of_the_money_model() -> None:
    assert [check.code for check in books.OWN_CHECKS] == [
        "R01",
        "R02",
        "R03",
        "R04",
        "R05",
        "R06",
        "R07",
        "R12",
        "R13",
        "R15",
        "R16",
        "R18",
        "R19",
        "R20",
    ]


@pytest.mark.usefixtures("held")
def test_r01_and_r02_catch_an_amount_changed_on_one_side() -> None:
    with without_triggers():
        execute(
            "UPDATE billing_posting SET amount_nanousd = amount_nanousd + 1 WHERE id ="
            " (SELECT MIN(p.id) FROM billing_posting p JOIN billing_ledgeraccount a"
            " ON a.id = p.account_id WHERE a.code = 'expense:goodwill')"
        )
    found = failed()
    assert sorted(found) == ["R01", "R02"]
    assert found["R01"] == ["all postings together are 1, not 0"]
    assert len(found["R02"]) == 1
    assert "adds up to 1 over 2 postings" in found["R02"][0]


@pytest.mark.usefixtures("held")
def test_r02_catches_a_transaction_whose_postings_are_gone() -> None:
    with without_triggers():
        execute(
            "INSERT INTO billing_ledgertransaction"
            " (public_id, kind, key, purpose, reason, actor)"
            " VALUES ('ltx_x', 'raw', 'raw', '', '', 'somebody')"
        )
    assert failed() == {"R02": ["ltx_x adds up to 0 over 0 postings"]}


def test_a_round_sees_what_moved_since_and_the_full_proof_everything() -> None:
    with without_triggers():
        execute(
            "INSERT INTO billing_ledgertransaction"
            " (public_id, kind, key, purpose, reason, actor, created_at)"
            " VALUES ('ltx_old', 'raw', 'raw', '', '', 'somebody', %s)",
            NOON - timedelta(days=3),
        )
    found = {"R02": ["ltx_old adds up to 0 over 0 postings"]}
    assert failed(since=NOON - timedelta(days=2)) == {}
    assert failed(since=NOON - timedelta(days=4)) == found
    assert failed() == found


def test_a_round_proves_the_whole_chain_of_an_account_that_moved(
    held: Reservation,
) -> None:
    with without_triggers():
        execute("UPDATE billing_ledgertransaction SET created_at = %s", NOON)
        execute(
            "UPDATE billing_posting SET balance_after_nanousd = 1 WHERE id ="
            " (SELECT MIN(id) FROM billing_posting WHERE account_version = 1)"
        )
    assert failed(since=NOON + timedelta(seconds=1)) == {}
    GrantFactory.create(org=held.org, key="later")
    assert list(failed(since=NOON + timedelta(seconds=1))) == ["R04"]


def test_r02_catches_money_that_moved_between_organizations(held: Reservation) -> None:
    stranger = OrgFactory.create()
    with without_triggers():
        execute(
            "UPDATE billing_ledgertransaction SET org_id = %s"
            " WHERE key = 'batch:open:reserve'",
            stranger.pk,
        )
    found = failed()
    assert list(found) == ["R02"]
    assert len(found["R02"]) == 2
    assert f"of org {stranger.pk} moves" in found["R02"][0]


def test_r03_catches_a_cached_balance_that_was_raised(held: Reservation) -> None:
    paid = LedgerAccount.objects.get(org=held.org, code="available:paid")
    execute(
        "UPDATE billing_ledgeraccount SET balance_nanousd = balance_nanousd + 1"
        " WHERE id = %s",
        paid.pk,
    )
    found = failed()
    assert list(found) == ["R03"]
    assert f"account {paid.pk} (available:paid of org {held.org_id})" in found["R03"][0]


def test_r03_catches_a_version_that_was_raised(held: Reservation) -> None:
    execute(
        "UPDATE billing_ledgeraccount SET version = version + 1"
        " WHERE org_id = %s AND code = 'available:paid'",
        held.org_id,
    )
    assert list(failed()) == ["R03"]


def _newest_paid_posting() -> Posting:
    newest = (
        Posting.objects.filter(account__code="available:paid").order_by("pk").last()
    )
    assert newest is not None
    return newest


@pytest.mark.usefixtures("held")
def test_r04_catches_a_balance_in_the_chain_that_was_changed() -> None:
    posting = _newest_paid_posting()
    with without_triggers():
        execute(
            "UPDATE billing_posting SET balance_after_nanousd = 1 WHERE id = %s",
            posting.pk,
        )
    found = failed()
    assert list(found) == ["R04"]
    assert found["R04"] == [
        (
            f"account {posting.account_id} breaks its chain at version "
            f"{posting.account_version} (balance 1)"
        )
    ]


@pytest.mark.usefixtures("held")
def test_r04_catches_a_gap_of_versions() -> None:
    posting = _newest_paid_posting()
    with without_triggers():
        execute(
            "UPDATE billing_posting SET account_version = account_version + 5"
            " WHERE id = %s",
            posting.pk,
        )
    assert "R04" in failed()


@pytest.mark.usefixtures("held")
def test_r04_catches_a_posting_outside_the_chain() -> None:
    with without_triggers():
        execute(
            "UPDATE billing_posting SET account_version = NULL,"
            " balance_after_nanousd = NULL WHERE id = %s",
            _newest_paid_posting().pk,
        )
    assert "R04" in failed()


def test_r05_catches_a_balance_below_zero(held: Reservation) -> None:
    execute(
        "ALTER TABLE billing_ledgeraccount"
        " DROP CONSTRAINT ledger_account_guarded_not_negative"
    )
    execute(
        "UPDATE billing_ledgeraccount SET balance_nanousd = -1"
        " WHERE org_id = %s AND code = 'available:paid'",
        held.org_id,
    )
    found = failed()
    assert sorted(found) == ["R03", "R05"]
    assert found["R05"][0].endswith("was or is below zero: -1")


def test_r06_catches_a_reservation_closed_by_hand(held: Reservation) -> None:
    reserved = balance_of(held.org, "reserved")
    execute(
        "UPDATE billing_reservation SET state = 'closed', released_nanousd ="
        " amount_nanousd, settle_transaction_id = reserve_transaction_id WHERE id = %s",
        held.pk,
    )
    found = failed()
    assert list(found) == ["R06"]
    assert found["R06"][0] == (
        f"org {held.org_id} has {reserved} in its reserved account, "
        "its open reservations hold 0"
    )


def test_r06_catches_a_leg_that_was_changed(held: Reservation) -> None:
    execute(
        "UPDATE billing_reservationleg SET amount_nanousd = amount_nanousd - 1"
        " WHERE reservation_id = %s",
        held.pk,
    )
    found = failed()
    assert list(found) == ["R06"]
    assert held.public_id in found["R06"][0]


@pytest.mark.usefixtures("held")
def test_r06_catches_a_charge_that_was_changed() -> None:
    execute(
        "UPDATE billing_reservation SET usage_nanousd = usage_nanousd - 1,"
        " fee_nanousd = fee_nanousd + 1 WHERE purpose = 'batch:done'"
    )
    found = failed()
    assert list(found) == ["R06"]
    assert found["R06"][0].endswith(
        "says usage 6999 but posted 7000; fee 501 but posted 500"
    )


def test_r07_catches_a_reservation_that_nobody_closed(held: Reservation) -> None:
    a_day_late = held.expires_at + timedelta(hours=24)
    assert failed(a_day_late) == {}
    assert failed(a_day_late + timedelta(seconds=1)) == {
        "R07": [
            (
                f"{held.public_id} for batch:open is still open a day after "
                f"{held.expires_at:%Y-%m-%d %H:%M}"
            )
        ]
    }


@pytest.mark.usefixtures("held")
def test_r16_catches_a_grant_that_was_changed() -> None:
    execute("UPDATE billing_grant SET amount_nanousd = 9001 WHERE is_promo")
    found = failed()
    assert list(found) == ["R16"]
    assert found["R16"][0].endswith("says 9001, the ledger issued 9000")


@pytest.mark.usefixtures("held")
def test_r16_catches_promotional_credit_that_was_spent_on_nothing() -> None:
    promo = Posting.objects.filter(account__code__startswith="available:promo").get(
        amount_nanousd=-9_000
    )
    execute(
        "UPDATE billing_ledgeraccount SET balance_nanousd = balance_nanousd + 1"
        " WHERE id = %s",
        promo.account_id,
    )
    assert sorted(failed()) == ["R03", "R16"]


@pytest.mark.usefixtures("held")
def test_r20_catches_a_receipt_that_was_changed() -> None:
    with without_triggers():
        execute("UPDATE billing_receipt SET body = body || ' ' WHERE purpose = 'p:2'")
    found = failed()
    assert list(found) == ["R20"]
    assert len(found["R20"]) == 1


@pytest.mark.parametrize("purpose", ["p:1", "p:2", "p:3"])
@pytest.mark.usefixtures("held")
def test_r20_catches_a_receipt_that_was_removed(purpose: str) -> None:
    with without_triggers():
        execute("DELETE FROM billing_receipt WHERE purpose = %s", purpose)
    assert list(failed()) == ["R20"]


@pytest.fixture
def no_extra_checks() -> Iterator[None]:
    kept = list(books.EXTRA_CHECKS)
    books.EXTRA_CHECKS.clear()
    yield
    books.EXTRA_CHECKS[:] = kept


def _finds_one(now: datetime) -> Iterator[str]:
    yield f"batch_1 is wrong since {now:%H:%M}"


@pytest.mark.usefixtures("no_extra_checks")
def test_runs_the_proofs_of_other_apps() -> None:
    register_check("R08", "every terminal batch is settled", _finds_one)
    assert failed() == {"R08": ["batch_1 is wrong since 12:00"]}


@pytest.mark.usefixtures("no_extra_checks")
def test_refuses_to_register_a_proof_twice() -> None:
    register_check("R08", "every terminal batch is settled", _finds_one)
    with pytest.raises(ValueError, match="R08"):
        register_check("R08", "every terminal batch is settled", _finds_one)


@pytest.mark.usefixtures("no_extra_checks")
def test_a_failure_freezes_money_and_is_recorded() -> None:
    register_check("R08", "every terminal batch is settled", _finds_one)
    run = reconcile(freeze=True, now=NOON)
    freeze = current_freeze()
    assert not run.is_ok
    assert freeze is not None
    assert freeze.reason == "reconciliation failed: R08"
    found = {row["code"]: row["problems"] for row in ReconcileRun.objects.get().results}
    assert found["R08"] == ["batch_1 is wrong since 12:00"]


@pytest.mark.usefixtures("no_extra_checks")
def test_a_failure_freezes_nothing_when_not_asked_to() -> None:
    register_check("R08", "every terminal batch is settled", _finds_one)
    assert not reconcile(freeze=False, now=NOON).is_ok
    assert current_freeze() is None


@pytest.mark.usefixtures("no_extra_checks")
def test_the_task_records_a_run() -> None:
    reconcile_books()
    run = ReconcileRun.objects.get()
    assert run.is_ok
    assert [result["code"] for result in run.results] == [
        check.code for check in books.OWN_CHECKS if not check.nightly
    ]
    assert not MoneyFreeze.objects.exists()
