"""Pure: the way of a batch in plain words, from :mod:`batches.explaining`'s data."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from routing.failures import RULES, FailureKind

Json = Mapping[str, Any]

_OUTCOMES: Mapping[str, str] = {
    "ok": "Every item has a row.",
    "partial": "Some items were left for another try or lane.",
    "canceled": "The batch was canceled.",
    "overdue": "The batch's deadline came.",
    "deadline": "The batch's deadline came.",
    "lane": "The lane was given up for all items that waited.",
    "worker": "The worker was asked to stop; another goes on.",
    "withdrawn": "The lane takes no new work; what was not sent moves on.",
    "worker_lost": "The worker died; calls under way have an unknown outcome.",
    "never_sent": "The job never reached the provider.",
    "job_limit_exceeded": "The work is larger than a job of the provider may be.",
}
_CAUSES: Mapping[str, str] = {
    "breaker_open": "The lane has been failing and rests for now.",
    "model_deprecated": "The provider withdraws the model before the deadline.",
    "offering_disabled": "An operator switched the lane off.",
    "provider_not_connected": "There is no connection to the provider.",
    "sanctioned": "The provider may not be used: sanctions apply.",
    "job_limit_exceeded": "The work is larger than a job of the provider may be.",
}


def story(told: Json) -> Iterator[str]:
    """Yield the lines of the story: the batch, then the decisions, then each unit."""
    yield from _batch(told)
    for decision in told["decisions"]:
        yield ""
        yield from _decision(decision)
    for unit in told["work_units"]:
        yield ""
        yield from _unit(unit)


def _batch(told: Json) -> Iterator[str]:
    reason = f" ({told['terminal_reason']})" if told["terminal_reason"] else ""
    yield f"Batch {told['batch_id']} is {told['state']}{reason}: " + _counted(
        told["counts"]
    )
    yield (
        f"  Quoted {told['quoted_total']} USD at {told['quoted_at']} by quote "
        f"{told['quote_id']}; due {told['deadline_at']}."
    )
    charged = "Nothing is charged yet"
    if told["charged"] is not None:
        charged = f"Charged {told['charged']} USD"
    yield f"  {charged}. {_cost(told)}"


def _decision(decision: Json) -> Iterator[str]:
    yield (
        f"Group {decision['group_no']}: {decision['item_count']} items of "
        f"{decision['operation']}, judged by weights {decision['route_version']}."
    )
    yield from _terms(decision)
    yield "  Candidates, best first:"
    for lane in decision["candidates"]:
        yield from _candidate(lane)
    yield "  Refused:" if decision["refusals"] else "  No lane was refused."
    for lane in decision["refusals"]:
        yield f"    {_lane(lane)}: {lane['rejection_code']}. {lane['reason']}"
    yield "  Plan:"
    for number, stage in enumerate(decision["stages"]):
        yield f"    stage {number}: {_lane(stage)}, left at {stage['leave_at']}"


def _terms(decision: Json) -> Iterator[str]:
    terms = decision["terms"]
    price = terms["price"]
    yield (
        f"  Promised: {price['input']} USD in, {price['cached_input']} cached, "
        f"{price['output']} out per million tokens (as of {price['as_of']}, "
        f"{price['source']}); fee {terms['fee_bps']} basis points."
    )
    yield (
        f"  Input counts {terms['token_factor_bps']} basis points of its tokens and "
        f"{terms['overhead_tokens']} an item; an item without a cap gets "
        f"{terms['default_max_output_tokens']} output tokens."
    )
    yield (
        f"  Ceiling {decision['ceiling']} USD, expected {decision['expected']} USD, "
        "before the fee."
    )


def _candidate(lane: Json) -> Iterator[str]:
    score = lane["score"]
    selected = " Selected." if lane["selected"] else ""
    yield (
        f"    {lane['rank']}. {_lane(lane)}: score {score['total']} (reliability "
        f"{score['reliability']}, cost {score['cost']}, latency {score['latency']}, "
        f"quality {score['quality']}), ceiling {lane['ceiling']['amount']} USD, "
        f"{lane['finish_seconds']} s.{selected}"
    )


def _unit(unit: Json) -> Iterator[str]:
    origin = f", split from {unit['split_from']}" if unit["split_from"] else ""
    yield (
        f"Work unit {unit['work_unit_id']} (group {unit['group_no']}, items "
        f"{unit['items']}{origin}) is {unit['state']} on stage {unit['stage']}: "
        + _counted(unit["counts"])
    )
    yield f"  Charged {unit['charged']} USD before the fee's rounding. {_cost(unit)}"
    if unit["lost_leases"]:
        yield f"  Workers died with it in hand {unit['lost_leases']} times."
    if not unit["happenings"]:
        yield "  Nothing has happened to it."
    for happened in unit["happenings"]:
        if happened["type"] == "execution":
            yield from _execution(happened)
        else:
            yield _CHANGES[happened["type"]](happened)


def _execution(run: Json) -> Iterator[str]:
    ended = f"ended {run['ended_at']}" if run["ended_at"] else "not ended"
    yield (
        f"  {run['started_at']} {_lane(run)}, {run['item_count']} items, {ended}: "
        f"{run['outcome'] or run['state']}. {sentence(run['outcome'])}".rstrip()
    )
    job = f", job {run['provider_job_id']}" if run["provider_job_id"] else ""
    yield (
        f"    {run['execution_id']}{job}: {run['completed']} items answered. "
        f"{_cost(run)}"
    )
    for kind, count in sorted(run["failures"].items()):
        yield f"    {count} x {kind}. {sentence(kind)}".rstrip()


def _hold(hold: Json) -> str:
    return (
        f"  {hold['at']} {hold['item_count']} items wait: {hold['cause']}. "
        f"{sentence(hold['cause'])}"
    ).rstrip()


def _change(change: Json) -> str:
    return (
        f"  {change['at']} {change['item_count']} items moved to "
        f"{change['to_provider']} {change['to_mode']}: {change['cause']}. "
        f"{sentence(change['cause'])}"
    ).rstrip()


def _stall(stall: Json) -> str:
    return (
        f"  {stall['at']} {stall['item_count']} items: the job is far too slow; it is "
        "told to stop, and what it has not done moves on."
    )


def _replan(replan: Json) -> str:
    lanes = ", then ".join(_lane(stage) for stage in replan["stages"])
    gone = ", ".join(
        f"{_lane(lane)} ({lane['rejection_code']})" for lane in replan["refused"]
    )
    return (
        f"  {replan['at']} New plan for {replan['item_count']} items "
        f"({replan['cause']}): {lanes}. Refused: {gone or 'none'}."
    )


_CHANGES: Mapping[str, Callable[[Json], str]] = {
    "hold": _hold,
    "lane_change": _change,
    "replan": _replan,
    "stall": _stall,
}


def sentence(word: str | None) -> str:
    """Return what an outcome or a cause means; nothing for one without a sentence."""
    if word in set(FailureKind):
        return RULES[FailureKind(word)].message
    return _OUTCOMES.get(word or "") or _CAUSES.get(word or "", "")


def _lane(lane: Json) -> str:
    provider = lane["provider"]
    return f"{provider} {lane['model']} {lane['mode']}"


def _cost(told: Json) -> str:
    return (
        f"It cost us {told['cost']} USD, and up to "
        f"{told['cost_of_unknown_outcomes']} USD for calls of unknown outcome."
    )


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) + "."
