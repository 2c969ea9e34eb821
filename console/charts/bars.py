"""Bars: upright and stacked over a row of days, or lying in the order of a ranking."""

from collections.abc import Callable, Sequence

from console.charts import scale
from console.charts.lines import grid, legend, rows
from console.charts.values import SERIES_MAX, SQUARE, Bar, Chart, Label, Series

# Of its place a bar fills seven tenths.
_FILL = 7
_WIDE_BARS = 12
_RANK_ROW = 44
_RANK_BAR = 12


def bar_chart(
    name: str,
    *,
    title: str,
    x_title: str,
    x: Sequence[str],
    series: Sequence[Series],
    write: Callable[[int], str],
    height: int = 240,
) -> Chart:
    """Draw one bar for each place; several series are stacked, the first at the foot.

    Raises:
        ValueError: a series of another length, or more series than colors.
    """
    if len(series) > SERIES_MAX:
        raise ValueError(f"A chart has at most {SERIES_MAX} series.")
    if any(len(one.values) != len(x) for one in series):
        raise ValueError("Every series has one value for each place on the x axis.")
    sums = [sum(one.values[index] or 0 for one in series) for index in range(len(x))]
    top, step = scale.nice_top(max(sums, default=0))
    plot = height - scale.PLOT_TOP - scale.PLOT_BOTTOM
    return Chart(
        name=name,
        title=title,
        summary=_summary(x, sums, write),
        height=height,
        plot_top=scale.PLOT_TOP,
        plot_height=plot,
        grid=grid(top, step, plot, write),
        labels=_slot_labels(x, height),
        paths=(),
        bars=tuple(
            bar
            for index in range(len(x))
            for bar in _stack(x, series, index, top, plot, write)
        ),
        dots=(),
        legend=legend(series),
        columns=(x_title, *(one.name for one in series)),
        rows=rows(x, series, write),
    )


def rank_chart(
    name: str,
    *,
    title: str,
    x_title: str,
    value_title: str,
    entries: Sequence[tuple[str, int]],
    write: Callable[[int], str],
) -> Chart:
    """Draw lying bars with their names above them, in the order given."""
    top = max((value for _, value in entries), default=0)
    return Chart(
        name=name,
        title=title,
        summary=_summary(
            [label for label, _ in entries], [value for _, value in entries], write
        ),
        height=max(1, len(entries)) * _RANK_ROW,
        plot_top=0,
        plot_height=0,
        grid=(),
        labels=tuple(
            label
            for index, (text, value) in enumerate(entries)
            for label in (
                Label("0%", index * _RANK_ROW + 16, text, "start", "chart-name"),
                Label("100%", index * _RANK_ROW + 16, write(value), "end"),
            )
        ),
        paths=(),
        bars=tuple(
            Bar(
                x="0%",
                y=index * _RANK_ROW + 23,
                width=scale.percent(value, top),
                height=_RANK_BAR,
                number=1,
                hint=f"{text}: {write(value)}",
            )
            for index, (text, value) in enumerate(entries)
        ),
        dots=(),
        legend=(),
        columns=(x_title, value_title),
        rows=tuple((text, write(value)) for text, value in entries),
    )


def _slot_labels(x: Sequence[str], height: int) -> tuple[Label, ...]:
    count = len(x)
    # Beside narrow bars the outer labels would leave the picture.
    is_narrow = count > _WIDE_BARS
    return tuple(
        Label(
            scale.percent(2 * index + 1, 2 * count),
            height - 6,
            x[index],
            scale.anchor(index, count) if is_narrow else "middle",
        )
        for index in scale.shown_labels(count)
    )


def _stack(
    x: Sequence[str],
    series: Sequence[Series],
    index: int,
    top: int,
    plot: int,
    write: Callable[[int], str],
) -> list[Bar]:
    slot = SQUARE // len(x)
    left, width = index * SQUARE // len(x), slot * _FILL // 10
    below, found = 0, []
    for number, one in enumerate(series, start=1):
        value = one.values[index] or 0
        foot = scale.PLOT_TOP + plot - below * plot // top
        head = scale.PLOT_TOP + plot - (below + value) * plot // top
        below += value
        if value > 0:
            found.append(
                Bar(
                    x=scale.percent(left + (slot - width) // 2, SQUARE),
                    y=head,
                    width=scale.percent(width, SQUARE),
                    height=max(1, foot - head),
                    number=number,
                    hint=f"{x[index]}: {one.name} {write(value)}",
                )
            )
    return found


def _summary(
    x: Sequence[str], values: Sequence[int], write: Callable[[int], str]
) -> str:
    if not any(values):
        return "There are no figures yet."
    highest = max(range(len(values)), key=values.__getitem__)
    return (
        f"{len(x)} bars, {x[0]} to {x[-1]}. The highest is {x[highest]} "
        f"with {write(values[highest])}."
    )
