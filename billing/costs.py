"""What providers' work costs us. Customers' charges never come from here."""

from billing import chart
from billing.ledger import AmountOutOfRange, credit, debit, post
from billing.models import LedgerTransaction


def book_cost(
    *,
    provider: str,
    key: str,
    amount_nanousd: int,
    reason: str,
    ambiguous: bool = False,
) -> LedgerTransaction | None:
    """Book what we owe a provider, once for the key.

    Args:
        provider: the catalog's slug, such as ``openai``.
        key: the execution or attempt, such as ``execution:pexec_01…``.
        amount_nanousd: as the provider's own prices say; zero books nothing.
        reason: a sentence for people.
        ambiguous: the provider may or may not have done the work.

    Raises:
        AmountOutOfRange: the amount is negative or above the cap.
        LedgerKeyReused: the key is booked with another amount.
        chart.UnknownAccount: the slug is no account name.
    """
    if amount_nanousd < 0:
        raise AmountOutOfRange("A cost cannot be negative.")
    if amount_nanousd == 0:
        return None
    expense = chart.EXPENSE_AMBIGUOUS if ambiguous else chart.cogs(provider)
    stage = "ambiguous" if ambiguous else "cogs"
    return post(
        kind="cogs_ambiguous" if ambiguous else "cogs",
        key=f"{key}:{stage}",
        entries=[
            debit(expense, amount_nanousd),
            credit(chart.payable(provider), amount_nanousd),
        ],
        purpose=key,
        reason=reason,
    )
