"""Statements by month: opening, entries, closing; exact, and one leads to the next."""

import csv
import io
import random
from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import Org
from batchrouter.kit.money import NANO_PER_USD, parse_usd
from billing.grants import expire_due_grants
from billing.models import LedgerTransaction
from billing.months import Month, MonthNotFound, month_of, parse_month
from billing.reservations import reserve, settle
from billing.selectors import balance
from billing.statement_csv import COLUMNS, defused, statement_csv
from billing.statements import (
    Holding,
    StatementNotFound,
    held_before,
    statement,
    statement_entries,
    statement_lines,
    statement_months,
)
from tests.billing.helpers import top_up, without_triggers
from tests.factories.accounts import OrgFactory
from tests.factories.billing import NOON, GrantFactory

pytestmark = pytest.mark.django_db

USD = NANO_PER_USD
# Later than every entry of these tests, whatever the clock says.
LATER = datetime(2100, 1, 1, tzinfo=UTC)
SEPTEMBER, OCTOBER, NOVEMBER = (Month(2026, number) for number in (9, 10, 11))


def _date(entry: LedgerTransaction, instant: datetime) -> None:
    """Move an entry in time, which only a superuser without triggers can."""
    with without_triggers():
        LedgerTransaction.objects.filter(pk=entry.pk).update(created_at=instant)


def _date_all(*instants: datetime) -> None:
    entries = LedgerTransaction.objects.order_by("id")
    for entry, instant in zip(entries, instants, strict=True):
        _date(entry, instant)


@pytest.fixture
def org() -> Org:
    """September: 50.00 paid; October: 10.50 held; November: 4.000000001 charged."""
    org = OrgFactory.create()
    top_up(org, 50 * USD)
    reserve(
        org=org,
        purpose="batch:1",
        amount_nanousd=10_500_000_000,
        reason="=cmd|' /C calc'!A0",
        expires_at=NOON,
        now=NOON,
    )
    settle(
        purpose="batch:1",
        usage_nanousd=3_800_000_001,
        fee_nanousd=200_000_000,
        now=NOON,
    )
    _date_all(
        datetime(2026, 9, 30, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2026, 10, 1, tzinfo=UTC),
        datetime(2026, 11, 30, 12, tzinfo=UTC),
    )
    return org


def test_a_month_opens_and_closes_with_what_there_was(org: Org) -> None:
    head = statement(org, OCTOBER, now=LATER).head
    assert head.opening == Holding(50 * USD, 0)
    assert head.closing == Holding(39_500_000_000, 10_500_000_000)
    assert head.entry_count == 1


def test_a_month_begins_at_midnight_utc(org: Org) -> None:
    (line,) = statement_lines(statement_entries(org, SEPTEMBER), Holding())
    assert line.kind == "top_up"


def test_sums_by_kind_say_what_was_paid(org: Org) -> None:
    (kind,) = statement(org, NOVEMBER, now=LATER).sums
    assert (kind.kind, kind.count) == ("settle", 1)
    assert kind.usage_nanousd == 3_800_000_001
    assert kind.fee_nanousd == 200_000_000
    assert kind.change == Holding(6_499_999_999, -10_500_000_000)


def test_the_months_that_have_entries_are_listed_newest_first(org: Org) -> None:
    heads = statement_months(org)
    assert [head.month for head in heads] == [NOVEMBER, OCTOBER, SEPTEMBER]
    assert heads == [statement(org, head.month, now=LATER).head for head in heads]


def test_a_quiet_month_opens_as_it_closes(org: Org) -> None:
    head = statement(org, Month(2026, 12), now=LATER).head
    assert head.opening == head.closing == Holding(45_999_999_999, 0)
    assert head.entry_count == 0


@pytest.mark.parametrize(
    ("month", "now"),
    [(Month(2026, 8), LATER), (Month(2026, 12), datetime(2026, 11, 30, tzinfo=UTC))],
    ids=["before-the-first-entry", "still-to-come"],
)
def test_there_is_no_statement_of_a_month(
    org: Org, month: Month, now: datetime
) -> None:
    with pytest.raises(StatementNotFound):
        statement(org, month, now=now)


def test_a_stranger_sees_no_entry_of_it(org: Org) -> None:
    stranger = OrgFactory.create()
    assert statement_months(stranger) == []
    assert not statement_entries(stranger, OCTOBER).exists()


def test_a_page_goes_on_with_the_balance_before_it(org: Org) -> None:
    entry = LedgerTransaction.objects.get(kind="settle")
    assert held_before(org, NOVEMBER, entry.pk) == Holding(
        39_500_000_000, 10_500_000_000
    )


@pytest.mark.parametrize("seed", range(4))
def test_every_month_leads_to_the_next_whatever_happened(seed: int) -> None:
    org, chance = OrgFactory.create(), random.Random(seed)
    for number in range(30):
        _anything(org, chance, number)
    instant = datetime(2026, 1, 1, tzinfo=UTC)
    for entry in LedgerTransaction.objects.order_by("id"):
        instant += timedelta(seconds=chance.randrange(1, 30 * 86_400))
        _date(entry, instant)

    held = Holding()
    for head in reversed(statement_months(org)):
        assert head.opening == held
        lines = list(statement_lines(statement_entries(org, head.month), held))
        assert len(lines) == head.entry_count
        for line in lines:
            held = held.plus(line.change)
            assert line.after == held
        assert head.closing == held
        assert statement(org, head.month, now=LATER).head == head
    now_held = balance(org)
    assert held == Holding(now_held.available_nanousd, now_held.reserved_nanousd)


def _anything(org: Org, chance: random.Random, number: int) -> None:
    match chance.randrange(4):
        case 0:
            top_up(org, chance.randrange(1, 10 * USD), key=f"t:{number}")
        case 1:
            GrantFactory.create(
                org=org,
                key=f"g:{number}",
                amount_nanousd=chance.randrange(1, 10 * USD),
                is_promo=True,
                expires_at=NOON + timedelta(hours=chance.randrange(-2, 3)),
            )
        case 2:
            expire_due_grants(org=org, now=NOON)
        case _:
            _spend(org, chance, f"b:{number}")


def _spend(org: Org, chance: random.Random, purpose: str) -> None:
    expire_due_grants(org=org, now=NOON)
    available = balance(org).available_nanousd
    if available == 0:
        return
    held = chance.randrange(1, available + 1)
    reserve(
        org=org,
        purpose=purpose,
        amount_nanousd=held,
        reason="a test",
        expires_at=NOON,
        now=NOON,
    )
    if chance.random() < 0.7:
        usage = chance.randrange(0, held + 1)
        settle(purpose=purpose, usage_nanousd=usage, fee_nanousd=0, now=NOON)


def _csv(org: Org, month: Month) -> list[dict[str, str]]:
    head = statement(org, month, now=LATER).head
    lines = statement_lines(statement_entries(org, month), head.opening)
    text = b"".join(statement_csv(head, lines)).decode()
    return list(csv.DictReader(io.StringIO(text)))


def test_the_file_adds_up_to_the_last_place(org: Org) -> None:
    opening, *lines, closing = _csv(org, NOVEMBER)
    change = sum(
        _signed(line["available_change_usd"]) + _signed(line["reserved_change_usd"])
        for line in lines
    )
    total = _signed(opening["total_after_usd"]) + change
    assert total == _signed(closing["total_after_usd"]) == 45_999_999_999


def _signed(text: str) -> int:
    size = parse_usd(text.removeprefix("-"))
    return -size if text.startswith("-") else size


def test_a_reason_cannot_be_a_formula(org: Org) -> None:
    _, line, _ = _csv(org, OCTOBER)
    assert line["reason"] == "'=cmd|' /C calc'!A0"


def test_a_number_below_zero_stays_a_number(org: Org) -> None:
    _, line, _ = _csv(org, OCTOBER)
    assert line["available_change_usd"] == "-10.500000000"


def test_the_file_names_its_columns_once(org: Org) -> None:
    head = statement(org, OCTOBER, now=LATER).head
    (chunk,) = statement_csv(head, [])
    assert chunk.decode().splitlines()[0] == ",".join(COLUMNS)


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\uff1d1"],
    ids=ascii,
)
def test_text_that_begins_like_a_formula_gets_an_apostrophe(text: str) -> None:
    assert defused(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "batch:1", "Charged 1.00 USD = all", "'=1"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert defused(text) == text


@pytest.mark.parametrize(
    "text", ["2026-13", "2026-00", "26-11", "2026-1", "2026-11\n", "٢٠٢٦-11", "0000-01"]
)
def test_what_is_no_month_is_not_found(text: str) -> None:
    with pytest.raises(MonthNotFound):
        parse_month(text)


def test_a_month_knows_its_ends() -> None:
    assert parse_month("2026-12").ends_at == datetime(2027, 1, 1, tzinfo=UTC)
    assert str(month_of(datetime(2026, 12, 31, 23, 59, tzinfo=UTC))) == "2026-12"
