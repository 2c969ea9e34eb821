"""What items would cost, from prices alone."""

from console.estimates import LanePrice, cheapest_of, saved_percent


def lane(mode: str, tokens: int) -> LanePrice:
    return LanePrice("p", mode, tokens, tokens // 10)


def test_a_total_is_tokens_and_fee() -> None:
    assert lane("batch", 100).total_nanousd == 110


def test_the_cheapest_of_a_mode_is_the_first() -> None:
    lanes = [lane("batch", 1), lane("direct", 2), lane("direct", 3)]
    assert cheapest_of(lanes, "direct") == lanes[1]
    assert cheapest_of(lanes, "other") is None


def test_savings_are_whole_percent_and_never_below_nothing() -> None:
    assert saved_percent(50, 100) == 50
    assert saved_percent(2, 3) == 33
    assert saved_percent(3, 2) == 0
    assert saved_percent(0, 0) == 0
