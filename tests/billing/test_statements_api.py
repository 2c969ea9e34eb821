"""GET /v1/billing/statements and a month of them, as a program calls them."""

from typing import Any

import pytest

from accounts.models import Org
from batchrouter.kit import clock
from batchrouter.kit.money import NANO_PER_USD
from billing.months import month_of
from tests.billing.helpers import top_up
from tests.factories.accounts import OrgFactory, make_key
from tests.factories.billing import ReservationFactory
from tests.support.calls import bearer, client, refusal

pytestmark = pytest.mark.django_db

USD = NANO_PER_USD


@pytest.fixture
def org() -> Org:
    """Fifty dollars paid, ten of them held, in the present month."""
    org = OrgFactory.create()
    top_up(org, 50 * USD)
    ReservationFactory.create(org=org)
    return org


def _get(org: Org, path: str, **headers: str) -> Any:
    secret = make_key(org, scopes=["billing"]).secret
    return client().get(path, headers={**bearer(secret), **headers})


def _path() -> str:
    return f"/v1/billing/statements/{month_of(clock.now())}"


def _usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "usd"}


def test_the_months_are_listed_with_their_balances(org: Org) -> None:
    body = _get(org, "/v1/billing/statements").json()
    assert (body["object"], body["has_more"], body["next_cursor"]) == (
        "list",
        False,
        None,
    )
    (head,) = body["data"]
    assert head["month"] == str(month_of(clock.now()))
    assert head["entry_count"] == 2
    assert head["opening_balance"]["total"] == _usd("0.000000000")
    assert head["closing_balance"] == {
        "available": _usd("40.000000000"),
        "reserved": _usd("10.000000000"),
        "total": _usd("50.000000000"),
    }


def test_an_org_without_entries_has_no_month() -> None:
    assert _get(OrgFactory.create(), "/v1/billing/statements").json()["data"] == []


def test_a_month_shows_its_entries_oldest_first(org: Org) -> None:
    entries = _get(org, _path()).json()["entries"]
    assert [entry["kind"] for entry in entries["data"]] == ["top_up", "reserve"]
    assert entries["data"][1]["available_change"] == _usd("-10.000000000")
    assert entries["data"][1]["balance_after"]["available"] == _usd("40.000000000")


def test_a_page_of_entries_goes_on_where_the_last_one_ended(org: Org) -> None:
    first = _get(org, f"{_path()}?limit=1").json()["entries"]
    assert [entry["kind"] for entry in first["data"]] == ["top_up"]
    assert first["has_more"]
    after = _get(org, f"{_path()}?limit=1&cursor={first['next_cursor']}").json()
    (entry,) = after["entries"]["data"]
    assert entry["kind"] == "reserve"
    assert entry["balance_after"]["reserved"] == _usd("10.000000000")
    assert not after["entries"]["has_more"]


@pytest.mark.parametrize("by", ["accept", "query"])
def test_a_month_comes_as_a_file_for_spreadsheets(org: Org, by: str) -> None:
    if by == "accept":
        reply = _get(org, _path(), Accept="text/csv")
    else:
        reply = _get(org, f"{_path()}?format=csv")
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert reply.headers["Content-Disposition"].startswith("attachment; filename=")
    lines = b"".join(reply.streaming_content).decode().splitlines()
    assert len(lines) == 5
    assert lines[-1].endswith(",40.000000000,10.000000000,50.000000000")


@pytest.mark.parametrize(
    ("month", "code"),
    [
        ("2026-13", "month_not_found"),
        ("2000-01", "statement_not_found"),
        ("9000-01", "statement_not_found"),
    ],
)
def test_there_is_no_such_statement(org: Org, month: str, code: str) -> None:
    reply = _get(org, f"/v1/billing/statements/{month}")
    assert reply.status_code == 404
    assert refusal(reply)["code"] == code


def test_a_file_of_no_month_is_refused_in_our_shape(org: Org) -> None:
    reply = _get(org, "/v1/billing/statements/2000-01", Accept="text/csv")
    assert reply.status_code == 404
    assert refusal(reply)["code"] == "not_found"


def test_a_key_without_the_scope_is_refused(org: Org) -> None:
    secret = make_key(org, scopes=["read"]).secret
    reply = client().get(_path(), headers=bearer(secret))
    assert refusal(reply)["code"] == "scope_required"
