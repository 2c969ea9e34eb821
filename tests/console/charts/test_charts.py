"""Charts as values: what is drawn, said and written in the table."""

import pytest

from console.charts import (
    CurvePoint,
    Series,
    Spread,
    bar_chart,
    curve_chart,
    interval_chart,
    line_chart,
    rank_chart,
    sparkline,
)

write = "{:,}".format


def test_a_line_runs_from_the_foot_to_the_top_of_the_axis() -> None:
    chart = line_chart(
        "c",
        title="Items",
        x_title="Day",
        x=("1", "2", "3"),
        series=(Series("items", (0, 2, 4)),),
        write=write,
    )
    area, line = chart.paths
    assert line.d == "M0 1000 L500 500 L1000 0"
    assert area.d == "M0 1000 L0 1000 L500 500 L1000 0 L1000 1000 Z"
    assert [one.label for one in chart.grid] == ["", "1", "2", "3", "4"]
    assert chart.grid[0].y == chart.plot_top + chart.plot_height
    assert chart.grid[-1].y == chart.plot_top
    assert [dot.hint for dot in chart.dots] == [
        "1: items 0",
        "2: items 2",
        "3: items 4",
    ]
    assert chart.summary == "1 to 3. items: from 0 to 4, at most 4."


def test_a_gap_breaks_the_line_and_stands_in_the_table_as_nothing() -> None:
    chart = line_chart(
        "c",
        title="Items",
        x_title="Day",
        x=("1", "2", "3"),
        series=(Series("items", (1, None, 1)),),
        write=write,
    )
    assert chart.paths[1].d == "M0 0 M1000 0"
    assert chart.rows == (("1", "1"), ("2", "—"), ("3", "1"))


def test_several_lines_are_named_and_fill_nothing() -> None:
    chart = line_chart(
        "c",
        title="Items",
        x_title="Day",
        x=("1", "2"),
        series=(Series("a", (1, 2)), Series("b", (2, 1))),
        write=write,
    )
    assert [(one.name, one.number) for one in chart.legend] == [("a", 1), ("b", 2)]
    assert [path.is_area for path in chart.paths] == [False, False]
    assert chart.columns == ("Day", "a", "b")


def test_a_series_of_another_length_is_refused() -> None:
    for draw in (line_chart, bar_chart):
        with pytest.raises(ValueError, match="one value for each place"):
            draw(
                "c",
                title="t",
                x_title="x",
                x=("1",),
                series=(Series("a", (1, 2)),),
                write=write,
            )


def test_bars_are_stacked_from_the_foot() -> None:
    chart = bar_chart(
        "c",
        title="Items",
        x_title="Day",
        x=("1", "2"),
        series=(Series("a", (1, 2)), Series("b", (3, None))),
        write=write,
        height=152,
    )
    foot = chart.plot_top + chart.plot_height
    assert [(bar.x, bar.y, bar.height, bar.number) for bar in chart.bars] == [
        ("7.5%", foot - 25, 25, 1),
        ("7.5%", foot - 100, 75, 2),
        ("57.5%", foot - 50, 50, 1),
    ]
    assert chart.summary == "2 bars, 1 to 2. The highest is 1 with 4."


def test_a_ranking_measures_all_bars_by_the_longest() -> None:
    chart = rank_chart(
        "c",
        title="Models",
        x_title="Model",
        value_title="Items",
        entries=(("first", 200), ("second", 50)),
        write=write,
    )
    assert [bar.width for bar in chart.bars] == ["100.0%", "25.0%"]
    assert chart.rows == (("first", "200"), ("second", "50"))


def test_the_curve_spreads_deadlines_by_their_logarithm() -> None:
    chart = curve_chart(
        "c",
        title="Price",
        points=(
            CurvePoint("priority", "1 h", 3_600, None),
            CurvePoint("standard", "10 h", 36_000, 40, is_chosen=True),
            CurvePoint("flex", "100 h", 360_000, 20),
        ),
        write=write,
    )
    assert [dot.x for dot in chart.dots] == ["50.0%", "94.0%"]
    assert [dot.css for dot in chart.dots] == ["chart-dot-chosen", ""]
    assert chart.paths[0].d == "M500 0 L940 500"
    assert chart.rows[0] == ("priority", "1 h", "—")
    assert chart.rows[1] == ("standard (chosen)", "10 h", "40")
    assert "1 h: no price" in chart.summary


def test_without_figures_there_is_nothing_to_draw() -> None:
    nothing = Series("a", ())
    for draw in (line_chart, bar_chart):
        chart = draw("c", title="t", x_title="x", x=(), series=(nothing,), write=write)
        assert chart.is_empty
        assert chart.summary == "There are no figures yet."
    assert curve_chart("c", title="t", points=(), write=write).is_empty


def test_a_sparkline_starts_at_zero() -> None:
    spark = sparkline((1, 2), label="It doubled.")
    assert spark.line == "M0 500 L1000 0"
    assert spark.area == "M0 1000 L0 500 L1000 0 L1000 1000 Z"
    assert sparkline((), label="Nothing.").line == ""
    assert sparkline((3,), label="One.").line == "M0 0 L1000 0"


def test_a_share_stands_in_its_interval() -> None:
    chart = interval_chart(
        "c",
        title="Good answers",
        columns=("Model", "Good", "Answers"),
        entries=(Spread("mini", 90, 80, 95, "100"),),
        whole=100,
        write="{} %".format,
    )
    (bar,), (dot,) = chart.bars, chart.dots
    assert (bar.x, bar.width, dot.x) == ("80.0%", "15.0%", "90.0%")
    assert [label.text for label in chart.labels] == ["mini", "90 % (80 % to 95 %)"]
    assert chart.summary == "mini: 90 %, 80 % to 95 %."
    assert chart.columns == ("Model", "Good", "At least", "At most", "Answers")
    assert chart.rows == (("mini", "90 %", "80 %", "95 %", "100"),)


def test_no_shares_are_an_empty_chart() -> None:
    chart = interval_chart(
        "c",
        title="Good answers",
        columns=("Model", "Good", "Answers"),
        entries=(),
        whole=100,
        write="{} %".format,
    )
    assert chart.is_empty
    assert chart.summary == "There are no figures yet."
