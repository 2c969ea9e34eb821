"""The price-deadline curve of a quote: what hurrying costs, and what waiting saves."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from console.charts import scale
from console.charts.lines import grid
from console.charts.values import SQUARE, Chart, Dot, Label, Path

_SIDE = 60


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A price by a deadline.

    Attributes:
        label: the tier's name.
        within: the deadline in words, such as "4 h".
        window_seconds: from now to the deadline; over 0.
        total: None where no price can be had by then.
        is_chosen: the one that the page is about.
    """

    label: str
    within: str
    window_seconds: int
    total: int | None
    is_chosen: bool = False


def curve_chart(
    name: str,
    *,
    title: str,
    points: Sequence[CurvePoint],
    write: Callable[[int], str],
    height: int = 220,
) -> Chart:
    """Draw prices over deadlines, the shortest first; the time axis is logarithmic.

    Points without a price stand in the table and under the axis only.
    """
    priced = [(point, point.total) for point in points if point.total is not None]
    top, step = scale.nice_top(max((total for _, total in priced), default=0))
    plot = height - scale.PLOT_TOP - scale.PLOT_BOTTOM
    places = _places([point.window_seconds for point in points])
    at = dict(zip((point.label for point in points), places, strict=True))
    steps = [(at[p.label], scale.height_of(total, top)) for p, total in priced]
    line = "M" + " L".join(f"{x} {y}" for x, y in steps) if steps else ""
    return Chart(
        name=name,
        title=title,
        summary=_summary(points, write),
        height=height,
        plot_top=scale.PLOT_TOP,
        plot_height=plot,
        grid=grid(top, step, plot, write),
        labels=tuple(
            Label(
                scale.percent(at[point.label], SQUARE),
                height - 6,
                point.within,
                css="chart-chosen" if point.is_chosen else "",
            )
            for point in points
        ),
        paths=(Path(line, 1),) if line else (),
        bars=(),
        dots=tuple(
            Dot(
                scale.percent(at[point.label], SQUARE),
                scale.PLOT_TOP + plot - total * plot // top,
                1,
                f"{point.label}, within {point.within}: {write(total)}",
                "chart-dot-chosen" if point.is_chosen else "",
            )
            for point, total in priced
        ),
        legend=(),
        columns=("Deadline", "Within", "Price"),
        rows=tuple(
            (
                f"{point.label} (chosen)" if point.is_chosen else point.label,
                point.within,
                scale.written(point.total, write(point.total or 0)),
            )
            for point in points
        ),
    )


def _places(seconds: Sequence[int]) -> list[int]:
    """Spread the deadlines over the axis by the logarithm of their length."""
    if not seconds:
        return []
    low, high = math.log(min(seconds)), math.log(max(seconds))
    if low == high:
        return [SQUARE // 2 for _ in seconds]
    room = SQUARE - 2 * _SIDE
    return [
        _SIDE + round((math.log(one) - low) / (high - low) * room) for one in seconds
    ]


def _summary(points: Sequence[CurvePoint], write: Callable[[int], str]) -> str:
    parts = [
        f"{point.within}: {write(point.total)}"
        if point.total is not None
        else f"{point.within}: no price"
        for point in points
    ]
    return "Price by deadline. " + "; ".join(parts) + "."
