"""What a report found, in plain words: what, how sure that is, and what to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from batchrouter.kit.money import nanousd_of
from console.templatetags.console_format import dollars, spell_seconds

Json = Mapping[str, Any]

PROVIDER_NAMES: Final = {"openai": "OpenAI", "anthropic": "Anthropic"}
_LITTLE: Final = 0.05


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding.

    Attributes:
        tone: ``ok``, ``warn``, ``bad`` or ``idle``; ``word`` says it to everybody.
        to: which way on, of the names in ``console/_finding.html``; may be empty.
    """

    tone: str
    word: str
    what: str
    how_sure: str
    mend: str
    to: str = ""


def findings(body: Json) -> tuple[Finding, ...]:
    """Tell what the API's report says."""
    return (
        _savings(body),
        _recommendation(body),
        *_drift(body),
        _fallbacks(body["fallback_frequency"]),
        _verification(body["verification_failures"]),
    )


def percent(share: float) -> str:
    """Write a share, 0 to 1, with one place."""
    return f"{share:.1%}".replace("%", " %").replace("-", "\N{MINUS SIGN}")


def money(text: str) -> str:
    """Write the API's dollars for the eye."""
    return dollars(nanousd_of(text))


def kind_of_work(workload_key: str) -> str:
    """Name a kind of work by its key (batches/workloads.py)."""
    task, _, operation = workload_key.rpartition(":")
    if task == "model":
        return f"{operation} without a task in common"
    if task.startswith("task-"):
        return f"{operation} of task {task.removeprefix('task-')[:8]}"
    return f"{task}, {operation}"


def _savings(body: Json) -> Finding:
    provider = PROVIDER_NAMES[body["import_provider"]]
    found = body["savings_realized"]
    if found is None and body["baseline"] is None:
        return Finding(
            "idle",
            "not known",
            "What you saved is not known.",
            f"No past {provider} jobs were imported, so there is nothing to compare "
            "with.",
            "Import a usage export or the files of past batches.",
            "imports",
        )
    if found is None:
        return Finding(
            "idle",
            "not known",
            "What you saved is not known yet.",
            str(body["savings_reason"]),
            "Run a batch of the same kind as the jobs that you imported.",
            "new-batch",
        )
    compared, left_out = found["compared"], found["left_out"]
    is_dearer = nanousd_of(found["amount"]) < 0
    amount = money(found["amount"].removeprefix("-"))
    share = f"{abs(found['percent']):.1f} %"
    sure = (
        f"The tokens of {compared['items']:,} delivered items at the average list "
        f"price of the imported jobs come to {money(compared['at_baseline'])}; charged "
        f"were {money(compared['charged'])}, fees included."
    )
    if left_out["items"]:
        sure += (
            f" {left_out['items']:,} items are left out: no import has their operation."
        )
    if is_dearer:
        return Finding(
            "warn",
            "dearer",
            f"This work cost {amount} more than at {provider}: {share}.",
            sure,
            "Give work more time, or let the price decide; see the recommended change.",
            "recommendation",
        )
    return Finding(
        "ok",
        "saved",
        f"You saved {amount} against {provider}: {share}.",
        sure,
        "Nothing: this is what routing is for.",
    )


def _recommendation(body: Json) -> Finding:
    found = body["recommended_next_route_change"]
    if found is None:
        return Finding(
            "idle",
            "no change",
            "No change of routing is recommended.",
            str(body["recommendation_reason"]),
            "Go on as you do; every settled batch adds to what is known.",
        )
    saving, sure = found["expected_saving"], found["confidence"]
    low, high = saving["percent_low"], saving["percent_high"]
    return Finding(
        "ok",
        "save more",
        f"A change would save about {saving['percent']:.1f} % of what "
        f"{kind_of_work(found['change']['workload_key'])} costs.",
        f"Between {low:.1f} % and {high:.1f} %, with {sure['level']:.0%} confidence: "
        "settled batches were decided again with the values stored at their quotes.",
        "Read how it was proved and apply it.",
        "recommendation",
    )


def _drift(body: Json) -> tuple[Finding, ...]:
    found = body["provider_quality_drift"]
    if not found:
        return (
            Finding(
                "idle",
                "not known",
                "Nothing is known of the quality of answers.",
                "No answer was checked in the last eight weeks.",
                "Ask for checks in your items (verify), or judge rows of a batch.",
                "verification",
            ),
        )
    changed = [one for one in found if one["significance"]["is_significant"]]
    if not changed:
        return (
            Finding(
                "ok",
                "steady",
                "No provider's answers changed beyond chance.",
                "The last week against the weeks before, by a test at 5 % over all "
                "providers together; below 30 answers nothing is claimed.",
                "Nothing.",
            ),
        )
    return tuple(_changed(one) for one in changed)


def _changed(drift: Json) -> Finding:
    points = f"{abs(drift['change']) * 100:.1f} points"
    sure = (
        f"Chance alone would show as much with a probability of "
        f"{max(drift['significance']['p_value'], 0.0001):.4f} at most."
    )
    if drift["change"] > 0:
        return Finding(
            "ok",
            "better",
            f"The answers of {drift['provider']} got better by {points}.",
            sure,
            "Nothing: the next quotes know of it.",
        )
    return Finding(
        "bad",
        "worse",
        f"The answers of {drift['provider']} got worse by {points}.",
        sure,
        "The next quotes trust it less. To leave it out altogether, exclude it in "
        "provider_preferences.",
        "manifests",
    )


def _fallbacks(found: Json) -> Finding:
    if not found["work_units"]:
        return Finding(
            "idle",
            "not known",
            "No batch was settled in this time.",
            "Fallbacks are counted by work unit, when a batch is settled.",
            "Run a batch.",
            "new-batch",
        )
    rate = found["rate"]
    what = (
        f"{found['moved']:,} of {found['work_units']:,} work units left their first "
        f"lane: {percent(rate)}."
    )
    if rate > _LITTLE:
        return Finding(
            "warn",
            "often",
            what,
            "Counted, not estimated. The price of a quote does not move with it.",
            "Name more models for your items, or give them more time: there are more "
            "lanes to choose from then.",
            "manifests",
        )
    return Finding("ok", "rare", what, "Counted, not estimated.", "Nothing.")


def _verification(found: Json) -> Finding:
    if found["rate"] is None:
        return Finding(
            "idle",
            "not known",
            "No answer was checked in this time.",
            "Only items with verify are checked.",
            "Add a schema, a pattern or a length to your items.",
            "verification",
        )
    answers = "1 answer" if found["count"] == 1 else f"{found['count']:,} answers"
    what = f"{answers} failed a check: {percent(found['rate'])}."
    worst = max(found["by_check"], key=lambda one: one["count"], default=None)
    if worst is None or not worst["count"]:
        return Finding("ok", "none", what, "Every try was counted.", "Nothing.")
    mend = (
        f"Most failed {worst['check']}: say in the instructions what it asks, or "
        "loosen it."
    )
    tone, word = ("warn", "often") if found["rate"] > _LITTLE else ("ok", "rare")
    return Finding(tone, word, what, "Every try was counted.", mend, "verification")


def spell(seconds: float) -> str:
    """Spell a likely time to the end."""
    return spell_seconds(int(timedelta(seconds=seconds).total_seconds()))
