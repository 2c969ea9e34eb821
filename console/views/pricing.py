"""What it costs: the fee, and a calculator that works from the price list."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from batches.services.quoting import MODEL_FEE_BPS
from batchrouter.kit import clock
from billing.packs import packs_on_sale
from catalog.selectors import model_profiles, offerings_for_models
from console.charts import rank_chart
from console.estimates import Job, LanePrice, cheapest_of, lane_prices, saved_percent
from console.forms import CalculatorForm
from console.public import public_page
from console.templatetags.console_format import dollars

WORKFLOW_FEE_BPS = 1180
_EXAMPLE = {
    "model": "gpt-5.4-mini",
    "items": 10_000,
    "input_tokens": 600,
    "output_tokens": 150,
}


@public_page
def pricing(request: HttpRequest) -> HttpResponse:
    """GET /pricing; with the calculator's fields also what they come to."""
    profiles = model_profiles()
    names = [(slug, facts.display_name) for slug, facts in profiles.items()]
    asked = request.GET if "items" in request.GET else _EXAMPLE
    form = CalculatorForm(asked, models=sorted(names, key=lambda pair: pair[1].lower()))
    context: dict[str, Any] = {
        "form": form,
        "model_fee_bps": MODEL_FEE_BPS,
        "workflow_fee_bps": WORKFLOW_FEE_BPS,
        "packs": packs_on_sale(),
    }
    if form.is_valid():
        context |= _answer(form.cleaned_data)
    return render(
        request, "console/pricing.html", context, status=200 if form.is_valid() else 400
    )


def _answer(asked: dict[str, Any]) -> dict[str, Any]:
    job = Job(
        items=asked["items"],
        input_tokens=asked["input_tokens"],
        output_tokens=asked["output_tokens"],
        fee_bps=WORKFLOW_FEE_BPS if asked["packaged"] else MODEL_FEE_BPS,
    )
    lanes = lane_prices(offerings_for_models([asked["model"]], now=clock.now()), job)
    return {
        "job": job,
        "lanes": lanes,
        "saved_percent": best_saving(lanes),
        "chart": rank_chart(
            "lanes",
            title="Total by lane",
            x_title="Lane",
            value_title="Total",
            entries=[
                (f"{lane.provider}, {lane.mode}", lane.total_nanousd) for lane in lanes
            ],
            write=dollars,
        ),
    }


def best_saving(lanes: list[LanePrice]) -> int:
    """Return what the cheapest batch lane saves against the cheapest direct one."""
    batch, direct = cheapest_of(lanes, "batch"), cheapest_of(lanes, "direct")
    if batch is None or direct is None:
        return 0
    return saved_percent(batch.total_nanousd, direct.total_nanousd)
