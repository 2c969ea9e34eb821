"""What settled work cost by day, and what it would have cost as it used to be done."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from accounts.models import Org
from batches import savings
from batches.savings import Baseline, Factors, SettledSum
from batches.services import report_facts
from catalog.list_prices import token_factors


@dataclass(frozen=True, slots=True)
class DayOfSpending:
    """One UTC day's settled batches.

    Attributes:
        charged_nanousd: with the fee.
        at_baseline_nanousd: of what can be compared, at the imported jobs' rates.
        compared_nanousd: what was charged for that.
    """

    day: date
    batches: int = 0
    items: int = 0
    charged_nanousd: int = 0
    at_baseline_nanousd: int = 0
    compared_nanousd: int = 0


@dataclass(frozen=True, slots=True)
class Spending:
    """Days without a gap, the oldest first.

    Attributes:
        provider: whose imported jobs are compared with; None without an import.
    """

    days: tuple[DayOfSpending, ...]
    provider: str | None

    @property
    def saved_nanousd(self) -> int:
        """What was saved on the work that can be compared, as the report says."""
        return sum(day.at_baseline_nanousd - day.compared_nanousd for day in self.days)

    @property
    def has_compared(self) -> bool:
        """Whether anything delivered compares with the imported jobs."""
        return any(day.at_baseline_nanousd for day in self.days)


def spending_of(org: Org, *, days: int, now: datetime) -> Spending:
    """Return an organization's spending on each of the last days, today among them.

    Where jobs of several providers were imported, those that cost most are compared
    with.
    """
    first = now.date() - timedelta(days=days - 1)
    provider, baseline = _baseline(org)
    factors = {} if provider is None else token_factors()
    found = {day: DayOfSpending(day) for day in _dates(first, days)}
    for sums, works in report_facts.work_by_day(org, first):
        at_baseline, compared = _compared(baseline, provider, works, factors)
        found[sums.day] = DayOfSpending(
            sums.day,
            sums.batches,
            sums.items,
            sums.charged_nanousd,
            at_baseline,
            compared,
        )
    return Spending(tuple(found.values()), provider)


def _dates(first: date, days: int) -> list[date]:
    return [first + timedelta(days=number) for number in range(days)]


def _baseline(org: Org) -> tuple[str | None, Baseline]:
    baselines = {
        provider: savings.baseline_of(sums)
        for provider, sums in report_facts.imported_by_provider(org).items()
    }
    if not baselines:
        return None, Baseline((), 0, 0)
    provider = max(baselines, key=lambda one: (baselines[one].cost_nanousd, one))
    return provider, baselines[provider]


def _compared(
    baseline: Baseline, provider: str | None, works: list[SettledSum], factors: Factors
) -> tuple[int, int]:
    if provider is None:
        return 0, 0
    found = savings.savings(baseline, provider, works, factors)
    return (found.at_baseline_nanousd, found.charged_nanousd) if found else (0, 0)
