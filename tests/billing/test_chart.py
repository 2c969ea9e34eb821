"""The chart of accounts."""

import pytest

from billing import chart
from billing.chart import Normal, UnknownAccount, balance_nanousd, rule_of


@pytest.mark.parametrize(
    "code", ["available:paid", "available:promo:grant_01jd", "reserved"]
)
def test_customer_accounts_are_guarded_liabilities(code: str) -> None:
    rule = rule_of(code)
    assert (rule.normal, rule.of_org, rule.guarded) == (Normal.CREDIT, True, True)


@pytest.mark.parametrize(
    ("code", "normal"),
    [
        ("stripe_clearing", Normal.DEBIT),
        ("bank", Normal.DEBIT),
        ("suspense", Normal.CREDIT),
        ("revenue:usage", Normal.CREDIT),
        ("revenue:service_fee", Normal.CREDIT),
        ("revenue:breakage", Normal.CREDIT),
        ("cogs:openai", Normal.DEBIT),
        ("expense:ambiguous", Normal.DEBIT),
        ("expense:promo", Normal.DEBIT),
        ("payable:openai", Normal.CREDIT),
    ],
)
def test_our_own_accounts_only_record(code: str, normal: Normal) -> None:
    rule = rule_of(code)
    assert (rule.normal, rule.of_org, rule.guarded) == (normal, False, False)


def test_receivable_is_the_organizations_but_not_guarded() -> None:
    rule = rule_of(chart.RECEIVABLE)
    assert (rule.normal, rule.of_org, rule.guarded) == (Normal.DEBIT, True, False)


@pytest.mark.parametrize(
    "code",
    ["", "revenue", "cogs", "cogs:", "cogs:Open AI", "cogs:a:b", "available:gold"],
)
def test_refuses_a_code_that_the_chart_lacks(code: str) -> None:
    with pytest.raises(UnknownAccount):
        rule_of(code)


def test_a_credit_raises_a_credit_normal_balance() -> None:
    assert balance_nanousd(Normal.CREDIT, -5) == 5


def test_a_debit_raises_a_debit_normal_balance() -> None:
    assert balance_nanousd(Normal.DEBIT, 5) == 5
