"""Lines and areas over a row of days, hours or steps."""

from collections.abc import Callable, Sequence

from console.charts import scale
from console.charts.values import (
    SERIES_MAX,
    SQUARE,
    Chart,
    Dot,
    GridLine,
    Label,
    LegendEntry,
    Path,
    Series,
)

# Above this many points dots would touch each other.
_DOTS_MAX = 40


def line_chart(
    name: str,
    *,
    title: str,
    x_title: str,
    x: Sequence[str],
    series: Sequence[Series],
    write: Callable[[int], str],
    height: int = 240,
) -> Chart:
    """Draw one line for each series; a single one also fills the area below it.

    ``x`` are the words under the axis, as many as each series has values; ``write``
    says how a value is written on the axis, in hints and in the table.

    Raises:
        ValueError: a series of another length, or more series than colors.
    """
    _check(x, series)
    top, step = scale.nice_top(scale.highest_of([one.values for one in series]))
    plot = height - scale.PLOT_TOP - scale.PLOT_BOTTOM
    numbered = list(enumerate(series, start=1))
    areas = [Path(_area(s.values, top), 1, is_area=True) for s in series[:1]]
    return Chart(
        name=name,
        title=title,
        summary=_summary(x, series, write),
        height=height,
        plot_top=scale.PLOT_TOP,
        plot_height=plot,
        grid=grid(top, step, plot, write),
        labels=x_labels(x, height),
        paths=tuple(
            path
            for path in (
                *(areas if len(series) == 1 else ()),
                *(Path(_line(one.values, top), n) for n, one in numbered),
            )
            if path.d
        ),
        bars=(),
        dots=tuple(
            dot for n, one in numbered for dot in _dots(x, one, n, top, plot, write)
        ),
        legend=legend(series),
        columns=(x_title, *(one.name for one in series)),
        rows=rows(x, series, write),
    )


def grid(
    top: int, step: int, plot: int, write: Callable[[int], str]
) -> tuple[GridLine, ...]:
    """Return the lines across the plot, the axis first."""
    foot = scale.PLOT_TOP + plot
    # The foot is zero in every chart; its label would stand in the line's way.
    return (
        GridLine(foot, ""),
        *(
            GridLine(foot - value * plot // top, write(value))
            for value in range(step, top + 1, step)
        ),
    )


def x_labels(x: Sequence[str], height: int) -> tuple[Label, ...]:
    """Return the words under the axis, thinned out where there are many."""
    count = len(x)
    return tuple(
        Label(
            scale.percent(scale.spot(index, count), SQUARE),
            height - 6,
            x[index],
            scale.anchor(index, count),
        )
        for index in scale.shown_labels(count)
    )


def legend(series: Sequence[Series]) -> tuple[LegendEntry, ...]:
    """Name the colors where there is more than one."""
    if len(series) < 2:
        return ()
    return tuple(LegendEntry(one.name, n) for n, one in enumerate(series, start=1))


def rows(
    x: Sequence[str], series: Sequence[Series], write: Callable[[int], str]
) -> tuple[tuple[str, ...], ...]:
    """Return the same figures as a table."""
    return tuple(
        (
            place,
            *(
                scale.written(one.values[index], write(one.values[index] or 0))
                for one in series
            ),
        )
        for index, place in enumerate(x)
    )


def _check(x: Sequence[str], series: Sequence[Series]) -> None:
    if len(series) > SERIES_MAX:
        raise ValueError(f"A chart has at most {SERIES_MAX} series.")
    if any(len(one.values) != len(x) for one in series):
        raise ValueError("Every series has one value for each place on the x axis.")


def _runs(values: Sequence[int | None], top: int) -> list[list[tuple[int, int]]]:
    """Return the points between gaps."""
    found: list[list[tuple[int, int]]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            found.append([])
        else:
            place = scale.spot(index, len(values))
            found[-1].append((place, scale.height_of(value, top)))
    return [run for run in found if run]


def _line(values: Sequence[int | None], top: int) -> str:
    return " ".join(
        "M" + " L".join(f"{x} {y}" for x, y in run) for run in _runs(values, top)
    )


def _area(values: Sequence[int | None], top: int) -> str:
    return " ".join(
        f"M{run[0][0]} {SQUARE} "
        + " ".join(f"L{x} {y}" for x, y in run)
        + f" L{run[-1][0]} {SQUARE} Z"
        for run in _runs(values, top)
    )


def _dots(
    x: Sequence[str],
    series: Series,
    number: int,
    top: int,
    plot: int,
    write: Callable[[int], str],
) -> list[Dot]:
    if len(x) > _DOTS_MAX:
        return []
    return [
        Dot(
            scale.percent(scale.spot(index, len(x)), SQUARE),
            scale.PLOT_TOP + plot - value * plot // top,
            number,
            f"{x[index]}: {series.name} {write(value)}",
        )
        for index, value in enumerate(series.values)
        if value is not None
    ]


def _summary(
    x: Sequence[str], series: Sequence[Series], write: Callable[[int], str]
) -> str:
    parts = []
    for one in series:
        known = [value for value in one.values if value is not None]
        if known:
            parts.append(
                f"{one.name}: from {write(known[0])} to {write(known[-1])}, "
                f"at most {write(max(known))}."
            )
    if not parts:
        return "There are no figures yet."
    return f"{x[0]} to {x[-1]}. " + " ".join(parts)
