"""What the market settles: models and workflows by items."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from batchrouter.kit import clock
from catalog import demand, queries, rendering
from catalog.models import DemandKind
from console.charts import rank_chart
from console.public import choice, public_page

_CHARTED = 12
_WINDOW_WORDS = {"24h": "Today", "7d": "7 days", "30d": "30 days", "90d": "90 days"}
_KIND_WORDS = {"model": "Models", "workflow": "Workflows"}


@public_page
def rankings(request: HttpRequest) -> HttpResponse:
    """GET /rankings: by kind and window."""
    kind = choice(request, "kind", DemandKind.values) or DemandKind.MODEL.value
    window = choice(request, "window", [*demand.WINDOW_DAYS]) or "30d"
    found = demand.ranking(kind=kind, window=window, today=clock.now().date())
    lines = rendering.ranking_json(found, queries.display_names(kind))
    context = {
        "kind": kind,
        "window": window,
        "kinds": _KIND_WORDS.items(),
        "windows": _WINDOW_WORDS.items(),
        "lines": [
            {
                **line,
                "share_permille": round(float(line["share"]) * 1000),
                "share_words": f"{float(line['share']):.1%}".replace("%", " %"),
                "change_words": _change(line["change"]),
            }
            for line in lines
        ],
        "other": found.other,
        "start": found.start,
        "end": found.end,
        "orgs_min": demand.ORGS_MIN,
        "chart": rank_chart(
            "ranking",
            title=f"{_KIND_WORDS[kind]} by settled items, {_WINDOW_WORDS[window]}",
            x_title=_KIND_WORDS[kind][:-1],
            value_title="Items",
            entries=[(row["display_name"], row["items"]) for row in lines[:_CHARTED]],
            write="{:,}".format,
        ),
    }
    return render(request, "console/rankings.html", context)


def _change(change: str | None) -> str:
    if change is None:
        return ""
    return f"{float(change):+.0%}".replace("%", " %").replace("-", "\N{MINUS SIGN}")
