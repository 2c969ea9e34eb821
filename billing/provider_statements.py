"""What a provider's work of a month cost us, by the ledger and by the work itself.

The money is billing's own. Items and tokens are known to whoever runs the work: that
app adds its count by ``register_usage``, called once from its ``AppConfig.ready``.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import QuerySet, Sum

from batchrouter.kit.money import format_usd
from billing import chart
from billing.ledger import Entry, post
from billing.models import LedgerTransaction, OperatorRequest, Posting
from billing.months import Month, parse_month
from billing.operation_ends import RequestRefused, names_of


@dataclass(frozen=True)
class Usage:
    """What a provider did in a month."""

    executions: int = 0
    items: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0


UsageCount = Callable[[str, Month], Usage]
_COUNTS: list[UsageCount] = []


def register_usage(count: UsageCount) -> None:
    """Add a count of a provider's work; it takes the provider and the month."""
    if count not in _COUNTS:
        _COUNTS.append(count)


@dataclass(frozen=True)
class ProviderStatement:
    """A provider's month, in nano-dollars. ``payable`` is what all of it adds up to."""

    provider: str
    month: Month
    cost_nanousd: int
    # Work that may or may not have been done: ours to pay only where it is invoiced.
    ambiguous_nanousd: int
    # Invoices less what was booked, as approved by two people.
    trued_up_nanousd: int
    usage: Usage = field(default_factory=Usage)

    @property
    def booked_nanousd(self) -> int:
        """What the work itself booked, before any invoice."""
        return self.cost_nanousd + self.ambiguous_nanousd

    @property
    def payable_nanousd(self) -> int:
        """What we owe for the month."""
        return self.booked_nanousd + self.trued_up_nanousd


def provider_statement(provider: str, month: Month) -> ProviderStatement:
    """Add up what a provider's month cost us.

    A true-up belongs to the month that it names, whenever it was posted.
    """
    owed = _payable(provider).filter(
        transaction__created_at__gte=month.starts_at,
        transaction__created_at__lt=month.ends_at,
    )
    trued_up = _payable(provider).filter(
        transaction__kind="true_up",
        transaction__purpose=_purpose(provider, str(month)),
    )
    return ProviderStatement(
        provider,
        month,
        cost_nanousd=_sum(owed.filter(transaction__kind="cogs")),
        ambiguous_nanousd=_sum(owed.filter(transaction__kind="cogs_ambiguous")),
        trued_up_nanousd=_sum(trued_up),
        usage=_usage(provider, month),
    )


def known_providers() -> list[str]:
    """Return every provider that we ever owed anything, in order."""
    codes = (
        Posting.objects.filter(account__code__startswith="payable:")
        .values_list("account__code", flat=True)
        .distinct()
    )
    return sorted(code.removeprefix("payable:") for code in codes)


def true_up(asked: OperatorRequest, _now: datetime) -> LedgerTransaction:
    """Post the difference between an invoice and what is booked.

    Raises:
        RequestRefused: the books of the month moved since it was asked for.
    """
    found = provider_statement(asked.provider, parse_month(asked.month))
    if found.payable_nanousd != asked.booked_nanousd:
        raise RequestRefused(
            f"{format_usd(found.payable_nanousd)} USD are booked now, not "
            f"{format_usd(asked.booked_nanousd or 0)} USD: ask again."
        )
    return post(
        kind="true_up",
        key=f"invoice:{asked.provider}:{asked.month}:{asked.public_id}",
        entries=[
            # Below zero, where the invoice is less, both change sides by themselves.
            Entry(chart.cogs(asked.provider), asked.amount_nanousd),
            Entry(chart.payable(asked.provider), -asked.amount_nanousd),
        ],
        purpose=_purpose(asked.provider, asked.month),
        reason=f"Invoice {asked.reference}: {asked.reason}"[:500],
        actor=names_of(asked),
    )


def _purpose(provider: str, month: str) -> str:
    return f"invoice:{provider}:{month}"


def _payable(provider: str) -> QuerySet[Posting]:
    return Posting.objects.filter(account__code=chart.payable(provider)).order_by()


def _sum(postings: QuerySet[Posting]) -> int:
    # Payables grow on the credit side, where postings are below zero.
    total = postings.aggregate(total=Sum("amount_nanousd", default=0))
    return -int(total["total"])


def _usage(provider: str, month: Month) -> Usage:
    counts = [count(provider, month) for count in _COUNTS]
    return Usage(
        executions=sum(count.executions for count in counts),
        items=sum(count.items for count in counts),
        input_tokens=sum(count.input_tokens for count in counts),
        cached_tokens=sum(count.cached_tokens for count in counts),
        output_tokens=sum(count.output_tokens for count in counts),
    )
