"""Every rounding rule, against exact fractions."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrouter.kit.money import (
    fee_nanousd,
    format_usd,
    line_charge_nanousd,
    line_fee_nanousd,
)


@pytest.mark.parametrize(
    ("tokens", "price_nanousd_per_mtok", "charge_nanousd"),
    [
        (1, 18_750_000, 19),  # 18.75 rounds up
        (4, 18_750_000, 75),  # exact
        (0, 18_750_000, 0),
        (1_000_000, 37_500_000, 37_500_000),
        (1, 1, 1),  # the least that can be charged
    ],
)
def test_a_line_rounds_up_to_the_next_nano_dollar(
    tokens: int, price_nanousd_per_mtok: int, charge_nanousd: int
) -> None:
    assert line_charge_nanousd(tokens * price_nanousd_per_mtok) == charge_nanousd


def test_components_of_a_line_are_summed_before_the_one_rounding() -> None:
    # Two halves of a nano-dollar are one, not two.
    assert line_charge_nanousd(500_000 + 500_000) == 1


@pytest.mark.parametrize(
    ("subtotal_nanousd", "fee_bps", "fee"),
    [
        (2_613_412_250, 500, 130_670_613),  # the worked example: 130670612.5
        (4_200_000_000, 500, 210_000_000),
        (1, 590, 1),
        (0, 590, 0),
        (10_000, 590, 590),
        (10_001, 590, 591),
    ],
)
def test_the_fee_rounds_up_once_per_batch(
    subtotal_nanousd: int, fee_bps: int, fee: int
) -> None:
    assert fee_nanousd(subtotal_nanousd, fee_bps=fee_bps) == fee


@given(st.integers(0, 10**9), st.integers(0, 10**12))
def test_a_line_is_overcharged_by_less_than_one_nano_dollar(
    tokens: int, price: int
) -> None:
    exact = Fraction(tokens * price, 10**6)
    assert 0 <= line_charge_nanousd(tokens * price) - exact < 1


@given(st.lists(st.integers(0, 10**12), max_size=50), st.integers(0, 10_000))
def test_shown_line_fees_never_exceed_the_batchs_fee(
    charges: list[int], fee_bps: int
) -> None:
    shown = sum(line_fee_nanousd(charge, fee_bps=fee_bps) for charge in charges)
    rounding = fee_nanousd(sum(charges), fee_bps=fee_bps) - shown
    assert 0 <= rounding <= len(charges)


@given(st.integers(-(10**18), 10**18))
def test_money_is_shown_exactly(nanousd: int) -> None:
    assert Fraction(format_usd(nanousd)) == Fraction(nanousd, 10**9)
