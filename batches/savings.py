"""Pure: what past jobs cost at list, and what our work would have cost at their rates.

Two months never hold the same items, so costs are compared by the token: the imported
jobs' list price for each input and output token, by operation, times the tokens of what
was delivered here. Providers count tokens differently; their factors put all counts on
one scale first.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple, TypeVar

from batchrouter.kit.money import BPS, TOKENS_PER_PRICE

Key = TypeVar("Key", date, str)

METHOD: Final = (
    "What was delivered in the window, at the list price that the imported jobs had on "
    "average for each input and each output token, by operation; less what was charged "
    "for it, fees included. Token counts are put on one scale by each provider's "
    "tokenizer factor. Work of an operation that no import has is left out, and so is "
    "imported work without believable usage or without a price in the price book."
)


class ImportedSum(NamedTuple):
    """Imported work of one day, model, mode and operation, from one kind of file.

    Numerators are tokens times nano-dollars per million tokens.
    """

    day: date
    model: str
    mode: str
    operation: str
    is_export: bool
    items: int
    input_tokens: int
    output_tokens: int
    input_numerator: int
    output_numerator: int
    cost_nanousd: int


@dataclass(frozen=True, slots=True)
class SettledSum:
    """Delivered work of one day, provider, model, operation and kind.

    The charge has the fee.
    """

    day: date
    provider: str
    model: str
    operation: str
    workload_key: str
    items: int
    input_tokens: int
    output_tokens: int
    charge_nanousd: int


@dataclass(frozen=True, slots=True)
class Baseline:
    """Imported work that counts, and what export and job files both told."""

    sums: tuple[ImportedSum, ...]
    overlap_items: int
    overlap_nanousd: int

    @property
    def items(self) -> int:
        """Answered items and requests."""
        return sum(each.items for each in self.sums)

    @property
    def cost_nanousd(self) -> int:
        """At list."""
        return sum(each.cost_nanousd for each in self.sums)


@dataclass(frozen=True, slots=True)
class Compared:
    """Work that can be compared: its cost at the imported jobs' rates, its charge."""

    at_baseline_nanousd: int
    charged_nanousd: int


@dataclass(frozen=True, slots=True)
class Savings:
    """What was saved on the work that can be compared.

    Attributes:
        at_baseline_nanousd: its cost at the imported jobs' rates.
        charged_nanousd: what it was charged.
        days, workloads: the same by day, and by kind of work.
    """

    items: int
    at_baseline_nanousd: int
    charged_nanousd: int
    left_out_items: int
    left_out_nanousd: int
    days: Mapping[date, Compared]
    workloads: Mapping[str, Compared]

    @property
    def amount_nanousd(self) -> int:
        """Negative where the baseline would have been cheaper."""
        return self.at_baseline_nanousd - self.charged_nanousd

    @property
    def percent(self) -> float:
        """Of the cost at the baseline's rates, two places."""
        return round(100 * self.amount_nanousd / self.at_baseline_nanousd, 2)


Factors = Mapping[tuple[str, str], int]


def baseline_of(sums: Iterable[ImportedSum]) -> Baseline:
    """Count imported work once: where an export covers a day, it stands for it.

    An export holds all work of a model and mode on its day, that of batch files too.
    """
    found = list(sums)
    covered = {(each.day, each.model, each.mode) for each in found if each.is_export}
    kept: list[ImportedSum] = []
    dropped: list[ImportedSum] = []
    for each in found:
        key = (each.day, each.model, each.mode)
        (kept if each.is_export or key not in covered else dropped).append(each)
    return Baseline(
        tuple(kept),
        overlap_items=sum(each.items for each in dropped),
        overlap_nanousd=sum(each.cost_nanousd for each in dropped),
    )


@dataclass(slots=True)
class _Rate:
    input_tokens: int = 0
    output_tokens: int = 0
    input_numerator: int = 0
    output_numerator: int = 0

    def price(self, input_tokens: int, output_tokens: int) -> int:
        """Return nano-dollars of work at this rate, rounded down."""
        given = made = 0
        if self.input_tokens:
            given = input_tokens * self.input_numerator // self.input_tokens
        if self.output_tokens:
            made = output_tokens * self.output_numerator // self.output_tokens
        return (given + made) // TOKENS_PER_PRICE


def savings(
    baseline: Baseline,
    provider: str,
    settled: Iterable[SettledSum],
    factors: Factors,
) -> Savings | None:
    """Price delivered work at the baseline's rates; None where nothing compares.

    Args:
        baseline: of one provider.
        provider: its key.
        settled: what was delivered.
        factors: tokens per o200k token times 10,000, by provider and model.
    """
    rates: dict[str, _Rate] = {}
    for each in baseline.sums:
        rate = rates.setdefault(each.operation, _Rate())
        factor = factors.get((provider, each.model), BPS)
        rate.input_tokens += each.input_tokens * BPS // factor
        rate.output_tokens += each.output_tokens * BPS // factor
        rate.input_numerator += each.input_numerator
        rate.output_numerator += each.output_numerator
    compared: list[SettledSum] = []
    left_out: list[SettledSum] = []
    for work in settled:
        known = rates.get(work.operation)
        has_rate = known is not None and known.input_tokens > 0
        (compared if has_rate else left_out).append(work)
    costs = [_at(rates[work.operation], work, factors) for work in compared]
    if not any(costs):
        return None
    pairs = list(zip(compared, costs, strict=True))
    return Savings(
        items=sum(work.items for work in compared),
        at_baseline_nanousd=sum(costs),
        charged_nanousd=sum(work.charge_nanousd for work in compared),
        left_out_items=sum(work.items for work in left_out),
        left_out_nanousd=sum(work.charge_nanousd for work in left_out),
        days=_sums((work.day, work, cost) for work, cost in pairs),
        workloads=_sums((work.workload_key, work, cost) for work, cost in pairs),
    )


def _sums(found: Iterable[tuple[Key, SettledSum, int]]) -> dict[Key, Compared]:
    sums: dict[Key, Compared] = {}
    for key, work, cost in found:
        so_far = sums.get(key, Compared(0, 0))
        sums[key] = Compared(
            so_far.at_baseline_nanousd + cost,
            so_far.charged_nanousd + work.charge_nanousd,
        )
    return sums


def _at(rate: _Rate, work: SettledSum, factors: Factors) -> int:
    factor = factors.get((work.provider, work.model), BPS)
    return rate.price(
        work.input_tokens * BPS // factor, work.output_tokens * BPS // factor
    )
