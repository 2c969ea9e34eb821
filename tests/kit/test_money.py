import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchrouter.kit import money

USD = money.NANO_PER_USD
amounts = st.integers(min_value=0, max_value=money.MAX_NANOUSD - 1)
whole = st.integers(min_value=0, max_value=10**24)


@pytest.mark.parametrize(
    ("text", "nanousd"),
    [
        ("0", 0),
        ("14.60", 14_600_000_000),
        ("0.000000001", 1),
        ("0.1", 100_000_000),
        ("007.5", 7_500_000_000),
        ("999999999.999999999", 10**18 - 1),
    ],
)
def test_reads_dollars_exactly(text: str, nanousd: int) -> None:
    assert money.parse_usd(text) == nanousd


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        " 1",
        "1 ",
        "1\n",
        "1.",
        ".5",
        "1.2.3",
        "-1",
        "+1",
        "1e3",
        "1E3",
        "0x1",
        "1_000",
        "1,000",
        "$1",
        "1 usd",
        "NaN",
        "nan",
        "Infinity",
        "0.0000000001",
        "1000000000",
        "\u0661.\u0660",
        "\uff11",
        "\u00b2",
        "1\u066b5",
        "1\x00",
    ],
)
def test_refuses_what_is_not_a_plain_decimal(text: str) -> None:
    with pytest.raises(money.MoneyFormatError):
        money.parse_usd(text)


def test_a_format_error_is_a_value_error_that_shows_the_text() -> None:
    with pytest.raises(ValueError, match=r"^'1e3' is not a decimal such as 14\.60$"):
        money.parse_usd("1e3")


@pytest.mark.parametrize(
    ("nanousd", "text"),
    [
        (0, "0.00"),
        (1, "0.000000001"),
        (14_600_000_000, "14.60"),
        (14_605_000_000, "14.605"),
        (100 * USD, "100.00"),
        (-1, "-0.000000001"),
        (-2_500_000_000, "-2.50"),
        (10**18, "1000000000.00"),
    ],
)
def test_writes_dollars_exactly(nanousd: int, text: str) -> None:
    assert money.format_usd(nanousd) == text


@pytest.mark.parametrize(
    ("places_min", "text"), [(0, "5"), (1, "5.0"), (2, "5.00"), (9, "5.000000000")]
)
def test_pads_to_the_places_asked_for(places_min: int, text: str) -> None:
    assert money.format_usd(5 * USD, places_min=places_min) == text


@given(amounts)
def test_what_is_written_is_read_back(nanousd: int) -> None:
    assert money.parse_usd(money.format_usd(nanousd)) == nanousd


@given(amounts, st.integers(min_value=0, max_value=9))
def test_padding_changes_no_amount(nanousd: int, places_min: int) -> None:
    text = money.format_usd(nanousd, places_min=places_min)
    assert money.parse_usd(text) == nanousd


@given(st.integers(min_value=-money.MAX_NANOUSD, max_value=money.MAX_NANOUSD))
def test_writing_loses_nothing(nanousd: int) -> None:
    assert Fraction(money.format_usd(nanousd)) * USD == nanousd


@given(st.text(max_size=24))
def test_any_text_is_read_exactly_or_refused(text: str) -> None:
    try:
        nanousd = money.parse_usd(text)
    except money.MoneyFormatError:
        return
    assert Fraction(text) * USD == nanousd


def test_the_api_shows_an_amount_and_its_currency() -> None:
    assert money.money_json(14_600_000_000) == {"amount": "14.60", "currency": "usd"}


@pytest.mark.parametrize(
    ("numerator", "denominator", "result"),
    [(0, 7, 0), (1, 7, 1), (7, 7, 1), (8, 7, 2), (14, 7, 2), (-1, 7, 0), (-8, 7, -1)],
)
def test_divides_rounding_up(numerator: int, denominator: int, result: int) -> None:
    assert money.ceil_div(numerator, denominator) == result


@given(whole, st.integers(min_value=1, max_value=10**12))
def test_rounding_up_is_exact_for_numbers_no_float_holds(
    numerator: int, denominator: int
) -> None:
    assert money.ceil_div(numerator, denominator) == math.ceil(
        Fraction(numerator, denominator)
    )


@pytest.mark.parametrize(
    ("numerator", "charge"),
    [(0, 0), (1, 1), (999_999, 1), (1_000_000, 1), (1_000_001, 2)],
)
def test_a_line_rounds_up_once(numerator: int, charge: int) -> None:
    assert money.line_charge_nanousd(numerator) == charge


@pytest.mark.parametrize(
    ("subtotal", "fee_bps", "fee"),
    [
        (0, 500, 0),
        (1, 500, 1),
        (10_000, 500, 500),
        (10_001, 500, 501),
        (2_500_000_000, 550, 137_500_000),
        (10_000, 0, 0),
    ],
)
def test_the_fee_of_a_batch_rounds_up_once(
    subtotal: int, fee_bps: int, fee: int
) -> None:
    assert money.fee_nanousd(subtotal, fee_bps=fee_bps) == fee


@pytest.mark.parametrize(
    ("charge", "fee"), [(0, 0), (1, 0), (19, 0), (20, 1), (39, 1), (40, 2)]
)
def test_the_fee_of_a_line_rounds_down(charge: int, fee: int) -> None:
    assert money.line_fee_nanousd(charge, fee_bps=500) == fee


@given(st.lists(amounts, max_size=30), st.integers(min_value=0, max_value=10_000))
def test_lines_never_show_more_fee_than_the_batch_pays(
    charges: list[int], fee_bps: int
) -> None:
    shown = sum(money.line_fee_nanousd(charge, fee_bps=fee_bps) for charge in charges)
    paid = money.fee_nanousd(sum(charges), fee_bps=fee_bps)
    assert 0 <= paid - shown <= len(charges) + 1


@given(amounts, st.sampled_from([1, -1]))
def test_reads_back_what_was_written_with_its_sign(size: int, sign: int) -> None:
    assert money.nanousd_of(money.format_usd(sign * size)) == sign * size


@pytest.mark.parametrize("text", ["--1", "", "-", "1e3"])
def test_refuses_what_was_never_written(text: str) -> None:
    with pytest.raises(money.MoneyFormatError):
        money.nanousd_of(text)
