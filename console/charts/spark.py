"""A trend as small as a word."""

from collections.abc import Sequence

from console.charts import scale
from console.charts.values import SQUARE, Sparkline


def sparkline(values: Sequence[int], *, label: str) -> Sparkline:
    """Draw values from left to right, from zero up.

    ``label`` is the same in words, and all that a screen reader hears.
    """
    top = max(values, default=0) or 1
    count = len(values)
    places = [
        (scale.spot(index, count), scale.height_of(value, top))
        for index, value in enumerate(values)
    ]
    if count == 1:
        places = [(0, places[0][1]), (SQUARE, places[0][1])]
    if not places:
        return Sparkline("", "", label)
    line = " L".join(f"{x} {y}" for x, y in places)
    area = f"M{places[0][0]} {SQUARE} L{line} L{places[-1][0]} {SQUARE} Z"
    return Sparkline(f"M{line}", area, label)
