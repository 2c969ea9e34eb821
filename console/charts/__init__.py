"""Charts as values: geometry, labels and the same figures as a table.

Nothing here knows HTML or Django. ``components/chart.html`` draws a :class:`Chart`,
``components/sparkline.html`` a :class:`Sparkline`; colors are classes that the style
sheet fills in, so that both themes work. Values are whole numbers of any unit; the
caller says how one is written.
"""

from console.charts.bars import bar_chart, rank_chart
from console.charts.curve import CurvePoint, curve_chart
from console.charts.intervals import Spread, interval_chart
from console.charts.lines import line_chart
from console.charts.spark import sparkline
from console.charts.values import Chart, Series, Sparkline

__all__ = [
    "Chart",
    "CurvePoint",
    "Series",
    "Sparkline",
    "Spread",
    "bar_chart",
    "curve_chart",
    "interval_chart",
    "line_chart",
    "rank_chart",
    "sparkline",
]
