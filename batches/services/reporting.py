"""The optimization report: what past jobs cost, what ours cost, and what to change.

Nothing in it is read from rows of items: imports and settlements leave sums by day, so
a report over a million rows is quick. What is not known is null, with the reason.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, Final

from accounts.models import Org
from batches import recommending, savings
from batches.drift import Drift, WeekOfAnswers, WeekOfModel, by_provider, drifts
from batches.quality_signal import CONFIDENCE, wilson
from batches.recommending import Advice, Recommendation
from batches.savings import Baseline, Compared, ImportedSum, Savings, SettledSum
from batches.services import report_facts
from batches.services.report_facts import DayOfBatches
from batchrouter.kit import clock
from batchrouter.kit.money import format_usd
from catalog.list_prices import token_factors

Json = dict[str, Any]

# Days that a report may look back.
WINDOWS: Final = (30, 7, 90)
_WORKLOADS_SHOWN: Final = 50
TREND_DAYS_MAX: Final = 400
# What each word of a policy asks of a manifest.
_FIELDS: Final[dict[str, Json]] = {
    "standard": {"sla_tier": "standard"},
    "flex": {"sla_tier": "flex"},
    "cheapest": {"routing_mode": "cheapest"},
    "open_providers": {"provider_preferences": None},
}
_SENTENCES: Final = {
    "standard": "give it 24 hours (sla_tier standard)",
    "flex": "give it 48 hours (sla_tier flex)",
    "cheapest": "let the price decide (routing_mode cheapest)",
    "open_providers": "leave provider_preferences out",
}
_CONFIDENCE: Final = (
    "Batches drawn again with replacement, twice a round: the saving of as much later "
    "work of this kind lies in the interval this often. It is wider by 5 % of what "
    "another provider or model would charge, whose tokens are an estimate."
)


def report_of(org: Org, *, import_provider: str, days: int, now: datetime) -> Json:
    """Return an organization's report; the same facts give the same one."""
    return optimization_report(
        org,
        import_provider=import_provider,
        days=days,
        now=now,
        chance=Random(org.pk),  # noqa: S311 # draws samples, guards nothing
    )


def optimization_report(
    org: Org,
    *,
    import_provider: str,
    now: datetime,
    chance: Random,
    days: int = WINDOWS[0],
) -> Json:
    """Report on an organization's last days, against all that it imported.

    Args:
        org: whose.
        import_provider: whose past jobs are the baseline.
        days: how many, of :data:`WINDOWS`.
        now: the end of the window.
        chance: draws batches for the interval of the recommendation; the same seed
            gives the same report.
    """
    start = now - timedelta(days=days)
    since = start.date()
    baseline = savings.baseline_of(report_facts.imported(org, import_provider))
    settled = report_facts.settled_work(org, since)
    saved = _saved(baseline, import_provider, settled)
    batches = report_facts.days_of_batches(org, since)
    weeks = report_facts.weeks_of_models(org, now.date())
    advice = recommending.advise(report_facts.tried_policies(org, since), chance=chance)
    return {
        "import_provider": import_provider,
        "window": {"from": clock.iso(start), "to": clock.iso(now)},
        **_baseline(org, import_provider, baseline),
        "optimized_cost_trend": _trend(batches),
        **_savings_json(saved, baseline),
        "cost_by_workload": _workloads(settled, saved),
        "provider_quality_drift": [
            _drift_json(drift) for drift in drifts(by_provider(weeks))
        ],
        "quality_by_model": _quality(weeks),
        "fallback_frequency": _fallbacks(batches),
        "verification_failures": _verification(org, since),
        **_advice_json(advice),
    }


def _baseline(org: Org, provider: str, baseline: Baseline) -> Json:
    if not baseline.sums:
        reason = (
            f"No past {provider} jobs were imported, so there is nothing to compare "
            "with. Import some: POST /v1/imports."
        )
        return {
            "baseline": None,
            "baseline_reason": reason,
            "baseline_cost_trend": [],
        }
    return {
        "baseline": {
            "jobs": report_facts.imported_jobs(org, provider),
            "items": baseline.items,
            "cost": format_usd(baseline.cost_nanousd),
            "from": min(each.day for each in baseline.sums).isoformat(),
            "to": max(each.day for each in baseline.sums).isoformat(),
            "overlap": {
                "items": baseline.overlap_items,
                "cost": format_usd(baseline.overlap_nanousd),
            },
        },
        "baseline_reason": None,
        "baseline_cost_trend": _baseline_trend(baseline.sums),
    }


def _baseline_trend(sums: Sequence[ImportedSum]) -> list[Json]:
    items: dict[date, int] = defaultdict(int)
    costs: dict[date, int] = defaultdict(int)
    for each in sums:
        items[each.day] += each.items
        costs[each.day] += each.cost_nanousd
    newest = sorted(items)[-TREND_DAYS_MAX:]
    return [
        {"day": day.isoformat(), "items": items[day], "cost": format_usd(costs[day])}
        for day in newest
    ]


def _trend(days: Sequence[DayOfBatches]) -> list[Json]:
    return [
        {
            "day": each.day.isoformat(),
            "batches": each.batches,
            "items": each.items,
            "cost": format_usd(each.charged_nanousd),
            "work_units": each.work_units,
            "moved": each.moved_units,
        }
        for each in days
    ]


def _saved(
    baseline: Baseline, provider: str, settled: Sequence[SettledSum]
) -> Savings | None:
    if not (baseline.sums and settled):
        return None
    return savings.savings(baseline, provider, settled, token_factors())


def _savings_json(found: Savings | None, baseline: Baseline) -> Json:
    if found is None:
        reason = "There are no past jobs to compare with."
        if baseline.sums:
            reason = "Nothing was delivered in the window that the imports have too."
        return {"savings_realized": None, "savings_reason": reason}
    return {
        "savings_realized": {
            "amount": format_usd(found.amount_nanousd),
            "percent": found.percent,
            "method": savings.METHOD,
            "compared": {
                "items": found.items,
                "at_baseline": format_usd(found.at_baseline_nanousd),
                "charged": format_usd(found.charged_nanousd),
            },
            "left_out": {
                "items": found.left_out_items,
                "charged": format_usd(found.left_out_nanousd),
            },
            "by_day": [
                {"day": day.isoformat(), **_compared_json(found.days[day])}
                for day in sorted(found.days)
            ],
        },
        "savings_reason": None,
    }


def _compared_json(found: Compared) -> Json:
    return {
        "at_baseline": format_usd(found.at_baseline_nanousd),
        "charged": format_usd(found.charged_nanousd),
    }


def _workloads(settled: Sequence[SettledSum], saved: Savings | None) -> list[Json]:
    """Tell what each kind of work was charged, the dearest first."""
    items: Counter[str] = Counter()
    charged: Counter[str] = Counter()
    for work in settled:
        items[work.workload_key] += work.items
        charged[work.workload_key] += work.charge_nanousd
    compared = {} if saved is None else saved.workloads
    return [
        {
            "workload_key": key,
            "items": items[key],
            "charged": format_usd(cost),
            "compared": _compared_json(compared[key]) if key in compared else None,
        }
        for key, cost in charged.most_common(_WORKLOADS_SHOWN)
    ]


def _quality(weeks: Sequence[WeekOfModel]) -> list[Json]:
    """Tell the share of good answers of each provider's model, with its interval."""
    good: Counter[tuple[str, str]] = Counter()
    answers: Counter[tuple[str, str]] = Counter()
    for week in weeks:
        good[week.provider, week.model] += week.good
        answers[week.provider, week.model] += week.good + week.bad
    return [
        {
            "provider": provider,
            "model": model,
            "score": round(good[provider, model] / count, 4),
            "answers": count,
            "interval": {
                **asdict(wilson(good[provider, model], count)),
                "confidence": CONFIDENCE,
                "method": "wilson",
            },
        }
        for (provider, model), count in answers.most_common()
        if count
    ]


def _drift_json(drift: Drift) -> Json:
    return {
        "provider": drift.provider,
        "weeks": [_week_json(week) for week in drift.weeks],
        "change": drift.change,
        "significance": {
            "p_value": drift.p_value,
            "is_significant": drift.is_significant,
        },
    }


def _week_json(week: WeekOfAnswers) -> Json:
    answers = week.good + week.bad
    return {
        "week": week.week.isoformat(),
        "score": round(week.good / answers, 4) if answers else None,
        "answers": answers,
    }


def _fallbacks(days: Sequence[DayOfBatches]) -> Json:
    units = sum(each.work_units for each in days)
    moved = sum(each.moved_units for each in days)
    return {
        "work_units": units,
        "moved": moved,
        "rate": round(moved / units, 4) if units else None,
    }


def _verification(org: Org, since: date) -> Json:
    counts = report_facts.check_counts(org, since)
    whole = [each for each in counts if not each.check_name]
    failed = sum(each.failed for each in whole)
    checked = sum(each.checked for each in whole)
    return {
        "count": failed,
        "rate": round(failed / checked, 4) if checked else None,
        "by_check": [
            {
                "check": each.check_name,
                "count": each.failed,
                "checked": each.checked,
                "rate": round(each.failed / each.checked, 4) if each.checked else None,
            }
            for each in counts
            if each.check_name
        ],
    }


def _advice_json(advice: Advice) -> Json:
    found = advice.recommendation
    return {
        "recommended_next_route_change": None
        if found is None
        else _recommendation_json(found, advice),
        "recommendation_reason": advice.reason or None,
    }


def _recommendation_json(found: Recommendation, advice: Advice) -> Json:
    words = found.policy.split("+")
    change: Json = {}
    for word in words:
        change |= _FIELDS[word]
    told = " and ".join(_SENTENCES[word] for word in words)
    return {
        "change": {
            "workload_key": found.workload_key,
            "policy": found.policy,
            "manifest_fields": change,
            "sentence": f"For work of the kind {found.workload_key}: {told}.",
        },
        "expected_saving": {
            "percent": _percent(found.share),
            "percent_low": _percent(found.share_low),
            "percent_high": _percent(found.share_high),
            "amount": format_usd(found.before_nanousd - found.after_nanousd),
            "amount_low": format_usd(_part(found.before_nanousd, found.share_low)),
            "amount_high": format_usd(_part(found.before_nanousd, found.share_high)),
            "of": "what batches of this kind were charged in the window",
        },
        "confidence": {
            "level": found.level,
            "chance_of_saving": found.chance,
            "method": _CONFIDENCE,
        },
        "evidence": [*_evidence(found), *_considered(advice)],
    }


def _evidence(found: Recommendation) -> list[Json]:
    return [
        {
            "kind": "backtest",
            "batches": found.batches,
            "items": found.items,
            "charged": format_usd(found.before_nanousd),
            "would_have_charged": format_usd(found.after_nanousd),
        },
        {
            "kind": "lane_quality",
            "before": found.quality_before,
            "after": found.quality_after,
        },
        {
            "kind": "finish_seconds",
            "before": found.seconds_before,
            "after": found.seconds_after,
        },
    ]


def _considered(advice: Advice) -> list[Json]:
    return [
        {
            "kind": "considered",
            "workload_key": each.workload_key,
            "policy": each.policy,
            "batches": each.batches,
            "percent": _percent(each.share),
            "verdict": each.verdict or "possible",
        }
        for each in advice.considered
    ]


def _percent(share: float) -> float:
    return round(100 * share, 2)


def _part(nanousd: int, share: float) -> int:
    return int(nanousd * share)
