"""What a chart is made of.

Horizontal places are percent of the width, as text ("12.5%"), so that a chart is as
wide as its page and its text never shrinks; vertical places are pixels from the top.
Paths live in a square of 1000 by 1000 that is stretched over the plot.
"""

from dataclasses import dataclass

SQUARE = 1000
SERIES_MAX = 6


@dataclass(frozen=True, slots=True)
class Series:
    """Named values, one for each place on the x axis; None where there is none."""

    name: str
    values: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Label:
    """Words at a place; ``anchor`` is SVG's text-anchor."""

    x: str
    y: int
    text: str
    anchor: str = "middle"
    css: str = ""


@dataclass(frozen=True, slots=True)
class GridLine:
    """A horizontal line through the plot and what it stands for."""

    y: int
    label: str


@dataclass(frozen=True, slots=True)
class Path:
    """A line, or an area where ``is_area``; ``number`` picks the color, from 1."""

    d: str
    number: int
    is_area: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle with what hovering over it tells."""

    x: str
    y: int
    width: str
    height: int
    number: int
    hint: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A point of a line with what hovering over it tells."""

    x: str
    y: int
    number: int
    hint: str
    css: str = ""


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """Which color is which series."""

    name: str
    number: int


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawn chart.

    Attributes:
        name: makes the ids of its elements; unique on a page, letters and dashes.
        summary: the picture in a sentence, for those who do not see it.
        columns: heads of the table of the same figures; the first is the x axis.
    """

    name: str
    title: str
    summary: str
    height: int
    plot_top: int
    plot_height: int
    grid: tuple[GridLine, ...]
    labels: tuple[Label, ...]
    paths: tuple[Path, ...]
    bars: tuple[Bar, ...]
    dots: tuple[Dot, ...]
    legend: tuple[LegendEntry, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to draw."""
        return not (self.paths or self.bars or self.dots)


@dataclass(frozen=True, slots=True)
class Sparkline:
    """A line without axes, for a table's cell; ``label`` says it in words."""

    line: str
    area: str
    label: str
