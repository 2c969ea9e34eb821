"""What operators type."""

import json
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Org
from batchrouter.kit.money import NANO_PER_USD
from billing.freeze import current_freeze
from billing.models import Grant, ReconcileRun
from billing.selectors import balance
from tests.billing.helpers import execute
from tests.factories.accounts import OrgFactory
from tests.factories.billing import funded_org

pytestmark = pytest.mark.django_db


def run(*args: Any, **options: Any) -> str:
    out = StringIO()
    call_command(*args, stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def org() -> Org:
    return OrgFactory.create()


def _grant(org_id: str, amount: str, *more: str) -> str:
    return run("grant_credits", org_id, amount, "--reason", "Launch partner.", *more)


def test_grants_credits_exactly(org: Org) -> None:
    said = _grant(org.public_id, "25.000000001", "--actor", "operator:ada")
    grant = Grant.objects.get()
    assert grant.amount_nanousd == 25_000_000_001
    assert (grant.actor, grant.reason) == ("operator:ada", "Launch partner.")
    assert "25.000000001 USD" in said
    assert balance(org).available_nanousd == 25_000_000_001


def test_a_key_grants_once(org: Org) -> None:
    _grant(org.public_id, "25", "--key", "partner-1")
    _grant(org.public_id, "25", "--key", "partner-1")
    assert balance(org).available_nanousd == 25 * NANO_PER_USD


def test_without_a_key_every_call_grants(org: Org) -> None:
    _grant(org.public_id, "25")
    _grant(org.public_id, "25")
    assert balance(org).available_nanousd == 50 * NANO_PER_USD


def test_grants_promotional_credits_to_the_end_of_a_day(org: Org) -> None:
    _grant(org.public_id, "5", "--promo", "--expires", "2099-01-31")
    grant = Grant.objects.get()
    assert grant.is_promo
    assert grant.expires_at == datetime(2099, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize("amount", ["-5", "5e3", "1.0000000001", "five", "NaN", "0"])
def test_refuses_an_amount_that_is_none(org: Org, amount: str) -> None:
    with pytest.raises(CommandError):
        _grant(org.public_id, amount)
    assert not Grant.objects.exists()


def test_refuses_an_organization_that_is_not_there() -> None:
    with pytest.raises(CommandError, match="no organization"):
        _grant("org_none", "5")


def test_refuses_a_grant_without_a_reason(org: Org) -> None:
    with pytest.raises(CommandError, match="--reason"):
        run("grant_credits", org.public_id, "5")


def test_refuses_paid_like_credits_that_expire(org: Org) -> None:
    with pytest.raises(CommandError, match="only promotional"):
        _grant(org.public_id, "5", "--expires", "2099-01-31")


def test_reconciling_prints_a_table() -> None:
    said = run("ledger_reconcile")
    assert "R01  ok      all postings add up to zero" in said
    assert said.rstrip().endswith("all hold")


def test_reconciling_prints_json() -> None:
    document = json.loads(run("ledger_reconcile", "--json"))
    assert document["ok"] is True
    assert document["checks"][0]["code"] == "R01"


def test_reconciling_since_a_day_is_recorded_and_leaves_the_nightly_proof_out() -> None:
    document = json.loads(run("ledger_reconcile", "--since", "2026-11-01", "--json"))
    assert document["since"] == "2026-11-01T00:00:00.000Z"
    assert ReconcileRun.objects.get().since == datetime(2026, 11, 1, tzinfo=UTC)
    assert "R19" not in {check["code"] for check in document["checks"]}


def test_reconciling_in_full_proves_the_nightly_proof_too() -> None:
    document = json.loads(run("ledger_reconcile", "--full", "--json"))
    assert document["since"] is None
    assert "R19" in {check["code"] for check in document["checks"]}


@pytest.mark.parametrize(
    "arguments",
    [["--since", "yesterday"], ["--full", "--since", "2026-11-01"]],
    ids=["no instant", "both"],
)
def test_refuses_to_reconcile_an_extent_that_is_none(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        run("ledger_reconcile", *arguments)
    assert not ReconcileRun.objects.exists()


def _damage() -> None:
    funded_org(usd=1)
    execute("UPDATE billing_ledgeraccount SET balance_nanousd = 1 WHERE guarded")


def test_reconciling_damaged_books_exits_with_one() -> None:
    _damage()
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("ledger_reconcile", stdout=out)
    assert ended.value.code == 1
    assert "R03  FAILED" in out.getvalue()
    assert current_freeze() is None


def test_reconciling_damaged_books_freezes_money_on_request() -> None:
    _damage()
    with pytest.raises(SystemExit):
        run("ledger_reconcile", "--freeze")
    freeze = current_freeze()
    assert freeze is not None
    assert "R03" in freeze.reason


def test_shows_sets_and_lifts_the_freeze() -> None:
    assert run("money_freeze") == "money is not frozen\n"
    assert "Looking into R03" in run("money_freeze", "set", reason="Looking into R03")
    assert current_freeze() is not None
    assert run("money_freeze", "lift", reason="Fine") == "money is not frozen\n"
    assert current_freeze() is None


def test_lifting_the_freeze_needs_a_reason() -> None:
    run("money_freeze", "set", reason="x")
    with pytest.raises(CommandError, match="say why"):
        run("money_freeze", "lift")
    assert current_freeze() is not None
