"""How pages write amounts, counts and times."""

from datetime import UTC, datetime, timedelta

import pytest

from console.templatetags import console_format as show

NOON = datetime(2026, 11, 22, 12, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("nanousd", "shown"),
    [
        (0, "$0.00"),
        (1, "$0.000000001"),
        (25_814, "$0.000026"),
        (25_076_628, "$0.0251"),
        (112_383_738, "$0.1124"),
        (375_000_000, "$0.375"),
        (999_999_999, "$1.00"),
        (1_005_000_000, "$1.01"),
        (1_234_567_890_000_000, "$1,234,567.89"),
        (-2_500_000_000, "\N{MINUS SIGN}$2.50"),
    ],
)
def test_dollars_are_rounded_for_the_eye(nanousd: int, shown: str) -> None:
    assert show.dollars(nanousd) == shown


def test_money_keeps_the_exact_amount() -> None:
    assert show.money(25_076_628) == (
        '<data class="money" value="0.025076628" title="0.025076628 USD">$0.0251</data>'
    )


def test_no_amount_is_a_dash() -> None:
    assert show.money(None) == "—"
    assert show.money_change(0) == "—"


def test_a_change_has_its_sign() -> None:
    assert "+$1.50" in show.money_change(1_500_000_000)
    assert "\N{MINUS SIGN}$1.50" in show.money_change(-1_500_000_000)


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0"),
        (9_999, "9,999"),
        (272_000, "272K"),
        (1_047_576, "1M"),
        (1_500_000, "1.5M"),
    ],
)
def test_tokens_are_short_and_exact_in_the_title(count: int, shown: str) -> None:
    assert show.tokens(count) == (
        f'<data value="{count}" title="{count:,} tokens">{shown}</data>'
    )


def test_an_instant_is_written_in_utc() -> None:
    assert show.moment(NOON) == (
        '<time data-moment datetime="2026-11-22T12:00:05.000Z" '
        'title="2026-11-22 12:00:05 UTC">'
        "22 Nov 2026, 12:00</time>"
    )
    assert show.moment(None) == "—"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (3_600, "1 h"), (90_061, "1 d 1 h")],
)
def test_seconds_are_spelled_by_their_two_largest_units(
    seconds: int, shown: str
) -> None:
    assert show.spell_seconds(seconds) == shown


def test_a_duration_keeps_its_seconds() -> None:
    assert show.duration(timedelta(seconds=61)) == (
        '<time datetime="PT61S" title="61 seconds">1 min 1 s</time>'
    )


@pytest.mark.parametrize(
    ("bps", "shown"), [(590, "5.9 %"), (1180, "11.8 %"), (500, "5 %"), (5, "0.05 %")]
)
def test_basis_points_are_percent(bps: int, shown: str) -> None:
    assert show.bps_percent(bps) == shown
