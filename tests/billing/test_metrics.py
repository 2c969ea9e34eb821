"""What monitoring reads of the books."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection

from billing.freeze import freeze_money, lift_freeze
from billing.metrics import BooksCollector
from billing.models import BalanceNotice, LedgerAccount, ReconcileRun
from billing.reconcile import reconcile
from tests.billing.helpers import execute
from tests.factories.billing import NOON, ReservationFactory, funded_org
from tests.support.calls import client

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(minutes=5)


def gauges() -> dict[str, dict[str, float]]:
    """Return each gauge's values by its one label, or by an empty text."""
    return {
        family.name: {
            "".join(sample.labels.values()): sample.value for sample in family.samples
        }
        for family in BooksCollector().collect()
    }


def _record(*results: tuple[str, bool], recent: bool = False) -> None:
    at = LATER if recent else NOON
    ReconcileRun.objects.create(
        started_at=at,
        finished_at=at,
        since=NOON - timedelta(days=2) if recent else None,
        is_ok=all(ok for _, ok in results),
        results=[{"code": code, "ok": ok} for code, ok in results],
    )


def test_books_that_nobody_proved_have_no_verdict() -> None:
    assert gauges() == {
        "money_frozen": {"": 0},
        "ledger_check_ok": {},
        "ledger_reconcile_last_run_seconds": {},
        "notices_waiting": {"": 0},
    }


def test_every_proof_has_its_verdict_and_the_round_its_time() -> None:
    run = reconcile(freeze=False, now=NOON)
    found = gauges()
    assert found["ledger_check_ok"] == {row["code"]: 1 for row in run.results}
    assert found["ledger_reconcile_last_run_seconds"] == {"full": NOON.timestamp()}


def test_a_proof_that_fails_is_zero() -> None:
    paid = LedgerAccount.objects.get(org=funded_org(usd=1), code="available:paid")
    execute(
        "UPDATE billing_ledgeraccount SET balance_nanousd = 1 WHERE id = %s", paid.pk
    )
    reconcile(freeze=False, now=NOON)
    verdicts = gauges()["ledger_check_ok"]
    assert [code for code, held in verdicts.items() if not held] == ["R03"]


def test_the_newer_round_speaks_for_what_it_proved() -> None:
    _record(("R03", False), ("R19", False))
    _record(("R03", True), recent=True)
    assert gauges()["ledger_check_ok"] == {"R03": 1, "R19": 0}
    assert gauges()["ledger_reconcile_last_run_seconds"] == {
        "full": NOON.timestamp(),
        "recent": LATER.timestamp(),
    }


@pytest.mark.parametrize("order", [(True, False), (False, True)], ids=["last", "first"])
def test_two_proofs_of_one_code_must_both_hold(order: tuple[bool, bool]) -> None:
    _record(*(("R08", ok) for ok in order))
    assert gauges()["ledger_check_ok"] == {"R08": 0}


def test_a_freeze_shows_until_it_is_lifted() -> None:
    freeze_money(reason="R03", now=NOON)
    assert gauges()["money_frozen"] == {"": 1}
    lift_freeze(reason="counted", actor="operator:ada", now=LATER)
    assert gauges()["money_frozen"] == {"": 0}


def test_a_notice_counts_until_somebody_hands_it_on() -> None:
    org = funded_org(usd=50)
    ReservationFactory.create(org=org, amount_nanousd=45_000_000_000)
    BalanceNotice.objects.update(handed_on_at=None)
    assert gauges()["notices_waiting"] == {"": 1}
    BalanceNotice.objects.update(handed_on_at=NOON)
    assert gauges()["notices_waiting"] == {"": 0}


def test_a_database_that_does_not_answer_leaves_the_other_gauges() -> None:
    def refuse(*_call: Any) -> None:
        raise DatabaseError("gone")

    with connection.execute_wrapper(refuse):
        assert gauges() == {}


def test_the_page_for_monitoring_has_them() -> None:
    reconcile(freeze=False, now=NOON)
    text = client().get("/metrics").content.decode()
    assert 'ledger_check_ok{code="R01"} 1.0' in text
    assert "money_frozen 0.0" in text
