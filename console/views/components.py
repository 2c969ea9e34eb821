"""All parts that pages are made of, for those who build pages; in development only."""

from datetime import UTC, datetime

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from console.charts import (
    CurvePoint,
    Series,
    bar_chart,
    curve_chart,
    line_chart,
    rank_chart,
    sparkline,
)
from console.templatetags.console_format import dollars

_CENT = 10_000_000
_DAYS = tuple(f"{day} Nov" for day in range(1, 15))
_SPEND = (12, 18, 9, 22, 31, 28, 40, 35, 44, 52, 49, 61, 58, 70)
_DIRECT = (30, 41, 22, 50, 66, 61, 83, 75, 92, 110, 104, 126, 121, 144)
_WHEN = datetime(2026, 11, 29, 14, 3, 7, tzinfo=UTC)


@require_safe
def gallery(request: HttpRequest) -> HttpResponse:
    """GET /dev/components."""
    if settings.APP_ENV == "production":
        raise Http404
    return render(request, "console/components.html", _context())


def _context() -> dict[str, object]:
    spend = tuple(value * _CENT * 100 for value in _SPEND)
    direct = tuple(value * _CENT * 100 for value in _DIRECT)
    both = (Series("BatchRouter", spend), Series("Direct list price", direct))
    return {
        "line": line_chart(
            "spend",
            title="Spend per day",
            x_title="Day",
            x=_DAYS,
            series=both[:1],
            write=dollars,
        ),
        "lines": line_chart(
            "savings",
            title="Spend against list price",
            x_title="Day",
            x=_DAYS,
            series=both,
            write=dollars,
        ),
        "bars": bar_chart(
            "stacked",
            title="Spend by day, stacked",
            x_title="Day",
            x=_DAYS,
            series=both,
            write=dollars,
        ),
        "ranks": rank_chart(
            "ranks",
            title="Models by items",
            x_title="Model",
            value_title="Items",
            entries=(("GPT-5.4 mini", 812_000), ("Claude Haiku 4.5", 377_500)),
            write="{:,}".format,
        ),
        "curve": curve_chart(
            "curve", title="Price by deadline", points=_CURVE, write=dollars
        ),
        "nothing": bar_chart(
            "nothing",
            title="Spend by day",
            x_title="Day",
            x=(),
            series=(Series("Spend", ()),),
            write=dollars,
        ),
        "spark": sparkline(_SPEND, label="Spend rose from $12 to $70 in two weeks."),
        "tabs": (
            {"url": "#tabs", "name": "Overview", "is_current": True, "count": None},
            {"url": "#tabs", "name": "Rows", "is_current": False, "count": 12},
        ),
        "entries": (
            {"at": _WHEN, "text": "The batch was accepted.", "detail": ""},
            {"at": _WHEN, "text": "It moved to another lane.", "detail": "rate limit"},
        ),
        "states": ("completed", "running", "failed", "expired", "queued"),
        "amount": 1_234_567_890,
        "small": 12_345,
        "when": _WHEN,
    }


_CURVE = (
    CurvePoint("express", "1 h", 3_600, None),
    CurvePoint("priority", "4 h", 14_400, 412 * _CENT),
    CurvePoint("standard", "24 h", 86_400, 236 * _CENT, is_chosen=True),
    CurvePoint("flexible", "72 h", 259_200, 208 * _CENT),
)
