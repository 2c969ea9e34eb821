"""From values to places."""

from collections.abc import Sequence

from console.charts.values import SQUARE

PLOT_TOP = 26
PLOT_BOTTOM = 26
_GRID_LINES = 4
_NOTHING = "—"


def nice_top(highest: int) -> tuple[int, int]:
    """Return the top of the axis and the step of its grid, both round numbers.

    The step is 1, 2 or 5 times a power of ten; the top is the first multiple of it
    that no value exceeds. Without values both are 1.
    """
    if highest <= 0:
        return 1, 1
    wanted = max(1, -(-highest // _GRID_LINES))
    size = int(10 ** (len(str(wanted)) - 1))
    step = next(size * k for k in (1, 2, 5, 10) if size * k >= wanted)
    return -(-highest // step) * step, step


def percent(part: int, whole: int) -> str:
    """Return a place on the x axis, to a tenth of a percent."""
    tenths = part * 1000 // whole if whole else 0
    return f"{tenths // 10}.{tenths % 10}%"


def spot(index: int, count: int) -> int:
    """Return where one of ``count`` points stands in the square; one: the middle."""
    return SQUARE // 2 if count == 1 else index * SQUARE // (count - 1)


def height_of(value: int, top: int) -> int:
    """Return how far down the square a value lies."""
    return SQUARE - value * SQUARE // top


def shown_labels(count: int, most: int = 5) -> list[int]:
    """Return which of many labels are written: the first, the last, some between."""
    if count <= most:
        return list(range(count))
    return sorted({index * (count - 1) // (most - 1) for index in range(most)})


def anchor(index: int, count: int) -> str:
    """Return how a label is set so that it stays inside the picture."""
    if count > 1 and index == 0:
        return "start"
    return "end" if count > 1 and index == count - 1 else "middle"


def written(value: int | None, text: str) -> str:
    """Return a table's cell."""
    return _NOTHING if value is None else text


def highest_of(rows: Sequence[Sequence[int | None]]) -> int:
    """Return the highest value of all; 0 without any."""
    return max((value for row in rows for value in row if value is not None), default=0)
