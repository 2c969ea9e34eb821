"""The optimization report as its page shows it: figures, charts, and what to change."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from batchrouter.kit.money import nanousd_of
from console.charts import (
    Chart,
    Series,
    Spread,
    bar_chart,
    interval_chart,
    line_chart,
    rank_chart,
)
from console.charts.values import SERIES_MAX
from console.presenters.report_findings import (
    PROVIDER_NAMES,
    Finding,
    findings,
    kind_of_work,
    money,
    percent,
    spell,
)
from console.templatetags.console_format import dollars

Json = Mapping[str, Any]

_RANKED: Final = 8
_BPS: Final = 10_000
# More days are shown as weeks.
_DAYS_SHOWN: Final = 31
_VERDICTS: Final = {
    "possible": "would save",
    "uncertain": "may save, but the interval includes nothing",
    "too_few_batches": "too few batches",
    "work_without_lane": "some work would have had no lane",
    "quality_would_fall": "quality would fall",
    "saves_nothing": "saves nothing worth it",
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A change that was looked at."""

    work: str
    policy: str
    batches: int
    percent: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Change:
    """The recommended change, what it would save, and how that was proved.

    Attributes:
        wishes: as the address of a new batch's page takes them.
        manifest: the fields to change, as JSON.
        left_out: fields to leave out of the manifest.
    """

    work: str
    sentence: str
    percent: str
    percent_low: str
    percent_high: str
    amount: str
    amount_low: str
    amount_high: str
    level: str
    chance: str
    method: str
    batches: int
    items: int
    charged: str
    would_have_charged: str
    quality: tuple[str, str]
    finish: tuple[str, str]
    wishes: str
    manifest: str
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReportPage:
    """All that the page tells.

    Attributes:
        is_empty: nothing was settled and nothing imported, as far as this looks.
        charged_nanousd: of all settled batches.
        percent: saved of the cost at the imported jobs' rates; empty where unknown.
    """

    is_empty: bool
    provider: str
    since: date
    until: date
    batches: int
    items: int
    charged_nanousd: int
    saved_nanousd: int | None
    percent: str
    method: str
    baseline: Json | None
    baseline_nanousd: int | None
    findings: tuple[Finding, ...]
    reason: str
    change: Change | None
    candidates: tuple[Candidate, ...]
    charts: tuple[tuple[Chart, str], ...]


def report_page(body: Json) -> ReportPage:
    """Show the API's report."""
    days, baseline = body["optimized_cost_trend"], body["baseline"]
    saved = body["savings_realized"]
    found = body["recommended_next_route_change"]
    return ReportPage(
        is_empty=not days and baseline is None,
        provider=PROVIDER_NAMES[body["import_provider"]],
        since=_day(body["window"]["from"][:10]),
        until=_day(body["window"]["to"][:10]),
        batches=sum(day["batches"] for day in days),
        items=sum(day["items"] for day in days),
        charged_nanousd=sum(nanousd_of(day["cost"]) for day in days),
        saved_nanousd=None if saved is None else nanousd_of(saved["amount"]),
        percent="" if saved is None else percent(saved["percent"] / 100),
        method="" if saved is None else saved["method"],
        baseline=baseline,
        baseline_nanousd=None if baseline is None else nanousd_of(baseline["cost"]),
        findings=findings(body),
        reason=body["recommendation_reason"] or "",
        change=None if found is None else _change(found),
        candidates=() if found is None else _candidates(found["evidence"]),
        charts=_charts(body),
    )


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _change(found: Json) -> Change:
    saving, sure = found["expected_saving"], found["confidence"]
    facts = {
        one["kind"]: one for one in found["evidence"] if one["kind"] != "considered"
    }
    backtest, quality = facts["backtest"], facts["lane_quality"]
    finish, fields = facts["finish_seconds"], found["change"]["manifest_fields"]
    kept = {name: value for name, value in fields.items() if value is not None}
    return Change(
        work=kind_of_work(found["change"]["workload_key"]),
        sentence=found["change"]["sentence"],
        percent=percent(saving["percent"] / 100),
        percent_low=percent(saving["percent_low"] / 100),
        percent_high=percent(saving["percent_high"] / 100),
        amount=money(saving["amount"]),
        amount_low=money(saving["amount_low"]),
        amount_high=money(saving["amount_high"]),
        level=f"{sure['level']:.0%}".replace("%", " %"),
        chance=percent(sure["chance_of_saving"]),
        method=sure["method"],
        batches=backtest["batches"],
        items=backtest["items"],
        charged=money(backtest["charged"]),
        would_have_charged=money(backtest["would_have_charged"]),
        quality=(percent(quality["before"]), percent(quality["after"])),
        finish=(spell(finish["before"]), spell(finish["after"])),
        wishes=urlencode(sorted({**kept, **_workflow(found["change"])}.items())),
        manifest=json.dumps(kept, indent=2) if kept else "",
        left_out=tuple(name for name, value in fields.items() if value is None),
    )


def _workflow(change: Json) -> dict[str, str]:
    """Return the workflow that a kind of work is of, where it is of one."""
    task = change["workload_key"].rpartition(":")[0]
    is_named = task != "model" and not task.startswith("task-")
    return {"workflow": task} if is_named else {}


def _candidates(evidence: Sequence[Json]) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(
            work=kind_of_work(one["workload_key"]),
            policy=one["policy"].replace("+", ", "),
            batches=one["batches"],
            percent=percent(one["percent"] / 100),
            verdict=_VERDICTS[one["verdict"]],
        )
        for one in evidence
        if one["kind"] == "considered"
    )


def _charts(body: Json) -> tuple[tuple[Chart, str], ...]:
    """Return the charts, each with what to say where it has no figures."""
    nothing_settled = "No batch was settled in this time."
    nothing_checked = "No answer was checked or judged in the last eight weeks."
    return (
        (_spend(body), nothing_settled),
        (_past(body), "No past jobs were imported."),
        (_workloads(body["cost_by_workload"]), nothing_settled),
        (_quality(body["quality_by_model"]), nothing_checked),
        (_drift(body["provider_quality_drift"]), nothing_checked),
        (_fallbacks(body), nothing_settled),
        (
            _failures(body["verification_failures"]["by_check"]),
            "No answer failed a check in this time.",
        ),
    )


@dataclass(frozen=True, slots=True)
class _Axis:
    """The days of a window, or its weeks where there are many.

    Attributes:
        starts: the first day of each place.
    """

    starts: tuple[date, ...]
    is_weekly: bool

    @property
    def name(self) -> str:
        return "Week of" if self.is_weekly else "Day"

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(_short(day) for day in self.starts)

    def sums(self, found: Iterable[tuple[str, int]]) -> tuple[int, ...]:
        """Sum the values of days, each at its place."""
        sums = dict.fromkeys(self.starts, 0)
        for day, value in found:
            sums[_start(_day(day), is_weekly=self.is_weekly)] += value
        return tuple(sums.values())


def _axis(window: Json) -> _Axis:
    first, last = _day(window["from"][:10]), _day(window["to"][:10])
    count = (last - first).days + 1
    is_weekly = count > _DAYS_SHOWN
    days = (first + timedelta(days=number) for number in range(count))
    starts = dict.fromkeys(_start(day, is_weekly=is_weekly) for day in days)
    return _Axis(tuple(starts), is_weekly)


def _start(day: date, *, is_weekly: bool) -> date:
    return day - timedelta(days=day.weekday()) if is_weekly else day


def _spend(body: Json) -> Chart:
    """Draw the whole window; what is compared stands beside its old price."""
    axis, saved = _axis(body["window"]), body["savings_realized"]
    days = body["optimized_cost_trend"]
    if saved is not None:
        days = saved["by_day"]
        names = {"charged": "Charged", "at_baseline": "The same at imported prices"}
    else:
        names = {"cost": "Charged"} if days else {}
    return line_chart(
        "spend",
        title="Charged, and what imported jobs would have cost"
        if saved
        else "Charged over time",
        x_title=axis.name,
        x=axis.labels if names else (),
        series=[
            Series(
                title, axis.sums((day["day"], nanousd_of(day[name])) for day in days)
            )
            for name, title in names.items()
        ],
        write=dollars,
    )


def _short(day: date) -> str:
    return f"{day.day} {day:%b}"


def _past(body: Json) -> Chart:
    """Draw imported jobs by month: files go back for years."""
    months: dict[str, int] = {}
    for day in body["baseline_cost_trend"]:
        month = f"{_day(day['day']):%b %Y}"
        months[month] = months.get(month, 0) + nanousd_of(day["cost"])
    provider = PROVIDER_NAMES[body["import_provider"]]
    return bar_chart(
        "past",
        title=f"Imported {provider} jobs at list price, by month",
        x_title="Month",
        x=list(months),
        series=[Series("At list price", tuple(months.values()))] if months else [],
        write=dollars,
    )


def _workloads(found: Sequence[Json]) -> Chart:
    return rank_chart(
        "workloads",
        title="Charged by kind of work",
        x_title="Kind of work",
        value_title="Charged",
        entries=[
            (kind_of_work(one["workload_key"]), nanousd_of(one["charged"]))
            for one in found[:_RANKED]
        ],
        write=dollars,
    )


def _bps(number: int) -> str:
    return percent(number / _BPS)


def _quality(found: Sequence[Json]) -> Chart:
    return interval_chart(
        "quality",
        title="Good answers in eight weeks, with 95 % intervals",
        columns=("Model", "Good", "Answers"),
        entries=[
            Spread(
                f"{one['model']} at {one['provider']}",
                round(one["score"] * _BPS),
                round(one["interval"]["low"] * _BPS),
                round(one["interval"]["high"] * _BPS),
                f"{one['answers']:,}",
            )
            for one in found[:_RANKED]
        ],
        whole=_BPS,
        write=_bps,
    )


def _drift(found: Sequence[Json]) -> Chart:
    weeks = sorted({week["week"] for one in found for week in one["weeks"]})
    shown = sorted(
        found, key=lambda one: -sum(week["answers"] for week in one["weeks"])
    )
    return line_chart(
        "drift",
        title="Answers that were not good, by week",
        x_title="Week of",
        x=[_short(_day(week)) for week in weeks],
        series=[_bad_answers(one, weeks) for one in shown[:SERIES_MAX]],
        write=_bps,
    )


def _bad_answers(drift: Json, weeks: Sequence[str]) -> Series:
    scores = {week["week"]: week["score"] for week in drift["weeks"]}
    found = (scores.get(week) for week in weeks)
    return Series(
        drift["provider"],
        tuple(None if score is None else round((1 - score) * _BPS) for score in found),
    )


def _fallbacks(body: Json) -> Chart:
    axis, days = _axis(body["window"]), body["optimized_cost_trend"]
    stayed = axis.sums((day["day"], day["work_units"] - day["moved"]) for day in days)
    moved = axis.sums((day["day"], day["moved"]) for day in days)
    return bar_chart(
        "fallbacks",
        title="Work units that stayed on their first lane, and that left it",
        x_title=axis.name,
        x=axis.labels if days else (),
        series=[Series("Stayed", stayed), Series("Left", moved)] if days else [],
        write="{:,}".format,
    )


def _failures(found: Sequence[Json]) -> Chart:
    ranked = sorted(
        (one for one in found if one["count"]), key=lambda one: -one["count"]
    )
    return rank_chart(
        "failures",
        title="Failed answers by check",
        x_title="Check",
        value_title="Failed",
        entries=[(one["check"], one["count"]) for one in ranked[:_RANKED]],
        write="{:,}".format,
    )
