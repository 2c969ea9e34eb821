"""What a row costs the customer, and what it costs us."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batches.engine.charges import (
    QuotedTerms,
    RowMoney,
    believable,
    estimated_usage,
    lost_call_cost_nanousd,
    row_money,
)
from batchrouter.kit.money import fee_nanousd
from catalog.pricing import Price, PriceTier
from routing.contracts import Usage
from routing.estimates import ceiling_nanousd
from tests.routing.values import make_offering, make_request

PRICE = Price(1, 750_000_000, 75_000_000, 4_500_000_000, (), "", "2026-01-01")
TERMS = QuotedTerms(PRICE, 10_000, 7, 500, 590)


def money(usage: Usage, *, counted: int = 100, cap: int = 50) -> RowMoney:
    return row_money(
        usage, terms=TERMS, lane_price=PRICE, counted_tokens=counted, output_cap=cap
    )


def test_a_row_is_priced_to_the_nano_dollar() -> None:
    found = money(Usage(100, 40, 20, 0))
    # 60 * 750 + 40 * 75 + 20 * 4,500 nano-dollars
    assert found == RowMoney(138_000, 8_142, 138_000)
    assert found.charge_nanousd == 146_142


def test_a_fraction_of_a_nano_dollar_rounds_up_once() -> None:
    odd = Price(1, 1, 1, 1, (), "", "2026-01-01")
    terms = QuotedTerms(odd, 10_000, 0, 500, 590)
    found = row_money(
        Usage(1, 0, 1, 0),
        terms=terms,
        lane_price=odd,
        counted_tokens=1,
        output_cap=1,
    )
    assert found == RowMoney(1, 0, 1)


def test_the_customer_never_pays_for_more_than_was_counted_and_capped() -> None:
    found = money(Usage(5_000, 0, 9_000, 0))
    assert found.subtotal_nanousd == 107 * 750 + 50 * 4_500
    assert found.cost_nanousd == 5_000 * 750 + 9_000 * 4_500


def test_a_dearer_lane_costs_us_and_not_the_customer() -> None:
    dear = Price(2, 1_500_000_000, 150_000_000, 9_000_000_000, (), "", "2026-01-01")
    found = row_money(
        Usage(100, 0, 20, 0),
        terms=TERMS,
        lane_price=dear,
        counted_tokens=100,
        output_cap=50,
    )
    assert found.subtotal_nanousd == 165_000
    assert found.cost_nanousd == 330_000


@pytest.mark.parametrize(
    "usage",
    [
        None,
        Usage(-1, 0, 1, 0),
        Usage(1, 2, 1, 0),
        Usage(1, 0, 1, 2),
        Usage(20_000_001, 0, 1, 0),
        Usage(1, 0, 10**12, 0),
    ],
)
def test_absurd_usage_is_not_believed(usage: Usage | None) -> None:
    assert believable(usage) is None


def test_more_cached_and_written_than_sent_is_not_believed() -> None:
    assert believable(Usage(10, 6, 1, 0, 5)) is None
    assert believable(Usage(11, 6, 1, 0, 5)) == Usage(11, 6, 1, 0, 5)


def test_what_is_written_to_a_cache_costs_what_input_costs() -> None:
    assert money(Usage(100, 40, 20, 0, 30)) == money(Usage(100, 40, 20, 0))


def test_plain_usage_is_believed() -> None:
    assert believable(Usage(10, 10, 5, 5)) == Usage(10, 10, 5, 5)


def test_usage_is_estimated_from_our_count_and_four_characters_a_token() -> None:
    estimate = estimated_usage(counted_tokens=12, text="abcde")
    assert estimate == Usage(12, 0, 2, 0)
    assert estimated_usage(counted_tokens=12, text=None) == Usage(12, 0, 0, 0)


def test_a_lost_call_costs_its_bound() -> None:
    cost = lost_call_cost_nanousd(PRICE, input_tokens=100, output_cap=50)
    assert cost == 100 * 750 + 50 * 4_500


@st.composite
def prices(draw: st.DrawFn) -> Price:
    """Rates that do not fall with size, as every provider's."""
    rate = st.integers(0, 10**11)
    rates = sorted(draw(st.tuples(rate, rate, rate)))
    outs = sorted(draw(st.tuples(rate, rate, rate)))
    cached = [draw(st.integers(0, most)) for most in rates]
    edges = sorted(draw(st.tuples(st.integers(0, 300), st.integers(301, 2_000))))
    tiers = tuple(
        PriceTier(edge, *figures)
        for edge, figures in zip(
            edges, zip(rates[1:], cached[1:], outs[1:], strict=True), strict=True
        )
    )[: draw(st.integers(0, 2))]
    return Price(1, rates[0], cached[0], outs[0], tiers, "", "2026-01-01")


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    tokens = st.one_of(st.integers(0, 3_000), st.integers(0, 20_000_000))
    sent, written = draw(tokens), draw(tokens)
    return Usage(sent, draw(st.integers(0, sent)), written, 0)


ITEMS = st.lists(
    st.tuples(st.integers(1, 1_500), st.integers(1, 2_000), usages()),
    min_size=1,
    max_size=20,
)


@given(prices(), st.integers(9_000, 16_000), st.integers(0, 20), ITEMS)
def test_no_usage_makes_the_rows_exceed_the_quoted_ceiling(
    price: Price, factor: int, overhead: int, items: list[tuple[int, int, Usage]]
) -> None:
    terms = QuotedTerms(price, factor, overhead, 500, 590)
    rows = [
        row_money(
            usage,
            terms=terms,
            lane_price=price,
            counted_tokens=counted,
            output_cap=cap,
        )
        for counted, cap, usage in items
    ]
    facts = make_offering(
        price=price, token_factor_bps=factor, message_overhead_tokens=overhead
    )
    counts: dict[str, Any] = {
        "item_count": len(items),
        "input_tokens": sum(counted for counted, _, _ in items),
        "input_tokens_max": max(counted for counted, _, _ in items),
        "output_tokens": sum(cap for _, cap, _ in items),
        "output_tokens_max": max(cap for _, cap, _ in items),
    }
    ceiling = ceiling_nanousd(facts, make_request(**counts))
    subtotal = sum(row.subtotal_nanousd for row in rows)
    assert subtotal <= ceiling
    shares = sum(row.fee_nanousd for row in rows)
    assert shares <= fee_nanousd(subtotal, fee_bps=590)


def test_a_call_off_peak_costs_us_half_and_the_customer_what_was_quoted() -> None:
    usual = money(Usage(100, 40, 20, 0))
    cheap = row_money(
        Usage(100, 40, 20, 0),
        terms=TERMS,
        lane_price=PRICE,
        counted_tokens=100,
        output_cap=50,
        cost_bps=5_000,
    )
    assert (cheap.cost_nanousd, cheap.charge_nanousd) == (69_000, usual.charge_nanousd)
