"""Shares with the interval that each lies in, one below the other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from console.charts import scale
from console.charts.values import Bar, Chart, Dot, Label

_ROW = 64
_BAR = 46
_LINE = 4


@dataclass(frozen=True, slots=True)
class Spread:
    """A named value between two bounds; ``note`` says what it rests on."""

    name: str
    value: int
    low: int
    high: int
    note: str


def interval_chart(
    name: str,
    *,
    title: str,
    columns: tuple[str, str, str],
    entries: Sequence[Spread],
    whole: int,
    write: Callable[[int], str],
) -> Chart:
    """Draw a point for each value on a line from its low to its high bound.

    ``columns`` are the heads of the table: of names, values and notes. ``whole`` is
    the value at the right edge; the left edge is zero.
    """
    return Chart(
        name=name,
        title=title,
        summary=_summary(entries, write),
        height=max(1, len(entries)) * _ROW,
        plot_top=0,
        plot_height=0,
        grid=(),
        labels=tuple(
            label
            for index, entry in enumerate(entries)
            for label in _labels(index, entry, write)
        ),
        paths=(),
        bars=tuple(
            Bar(
                x=scale.percent(entry.low, whole),
                y=index * _ROW + _BAR,
                width=scale.percent(max(entry.high - entry.low, 0), whole),
                height=_LINE,
                number=1,
                hint=f"{entry.name}: {_between(entry, write)}",
            )
            for index, entry in enumerate(entries)
        ),
        dots=tuple(
            Dot(
                scale.percent(entry.value, whole),
                index * _ROW + _BAR + _LINE // 2,
                1,
                f"{entry.name}: {write(entry.value)}",
                "chart-dot-value",
            )
            for index, entry in enumerate(entries)
        ),
        legend=(),
        columns=(*columns[:2], "At least", "At most", columns[2]),
        rows=tuple(
            (
                entry.name,
                write(entry.value),
                write(entry.low),
                write(entry.high),
                entry.note,
            )
            for entry in entries
        ),
    )


def _labels(
    index: int, entry: Spread, write: Callable[[int], str]
) -> tuple[Label, Label]:
    text = f"{write(entry.value)} ({_between(entry, write)})"
    return (
        Label("0%", index * _ROW + 16, entry.name, "start", "chart-name"),
        Label("0%", index * _ROW + 34, text, "start"),
    )


def _between(entry: Spread, write: Callable[[int], str]) -> str:
    return f"{write(entry.low)} to {write(entry.high)}"


def _summary(entries: Sequence[Spread], write: Callable[[int], str]) -> str:
    if not entries:
        return "There are no figures yet."
    return " ".join(
        f"{entry.name}: {write(entry.value)}, {_between(entry, write)}."
        for entry in entries
    )
