"""Settings of billing."""

from datetime import date

from django import forms

from batchrouter.kit.ids import looks_like_id
from batchrouter.kit.money import MoneyFormatError, parse_usd
from billing.models import ReservationState
from billing.selectors import LedgerPart

# What customers call the kinds of the ledger.
LEDGER_KINDS = {
    "bought": ("top_up", "release_suspense"),
    "given": ("grant", "goodwill"),
    "held": ("reserve",),
    "charged": ("settle",),
    "released": ("release",),
    "reversed": (
        *("refund", "refund_card", "refund_failed", "reversal"),
        *("dispute_open", "dispute_won", "dispute_lost", "debt_repaid"),
    ),
    "expired": ("expiry",),
    "corrected": ("adjustment",),
}
_KIND_WORDS = {
    "bought": "Credits bought",
    "given": "Credits given",
    "held": "Held for a batch",
    "charged": "Charged for a batch",
    "released": "Released, nothing charged",
    "reversed": "Refunds and disputes",
    "expired": "Expired",
    "corrected": "Corrections",
}


class BillingForm(forms.Form):
    """Where receipts of payments go, and when to warn."""

    billing_email = forms.EmailField(
        label="Billing email",
        required=False,
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"}),
        error_messages={
            "invalid": "Enter a whole email address, such as name@example.com, or "
            "leave it empty to type one at checkout.",
        },
    )
    low_balance_threshold = forms.CharField(
        label="Warn below (USD)",
        max_length=19,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        error_messages={"required": "Enter an amount; 0 warns never."},
    )

    def clean_low_balance_threshold(self) -> int:
        """Return the amount in nano-dollars."""
        try:
            return parse_usd(self.cleaned_data["low_balance_threshold"])
        except MoneyFormatError as error:
            raise forms.ValidationError(
                "Enter dollars, such as 10.00; 0 warns never."
            ) from error


class LedgerForm(forms.Form):
    """Which entries of the ledger to show."""

    kind = forms.ChoiceField(
        label="What", required=False, choices=[("", "everything"), *_KIND_WORDS.items()]
    )
    since = forms.DateField(
        label="From (UTC)",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "Enter a day, such as 2026-11-30."},
    )
    until = forms.DateField(
        label="To (UTC)",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "Enter a day, such as 2026-11-30."},
    )
    batch = forms.CharField(
        label="Batch",
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "batch_…", "autocomplete": "off"}),
    )

    def clean_batch(self) -> str:
        """Return the id of a batch.

        Raises:
            ValidationError: it is none.
        """
        batch_id = str(self.cleaned_data["batch"])
        if batch_id and not looks_like_id(batch_id, "batch"):
            raise forms.ValidationError(
                "Enter the whole id of a batch, as its page shows it: batch_ and 26 "
                "letters and digits."
            )
        return batch_id

    @property
    def part(self) -> LedgerPart:
        """What of the ledger is wanted."""
        chosen = self.cleaned_data
        return LedgerPart(
            kinds=LEDGER_KINDS.get(chosen["kind"], ()),
            since=_within(chosen["since"]),
            until=_within(chosen["until"]),
            purpose=f"batch:{chosen['batch']}" if chosen["batch"] else "",
        )


def _within(day: date | None) -> date | None:
    """Keep a day within what calendars of databases and ours share."""
    return None if day is None else min(day, date(9998, 12, 31))


class ReservationsForm(forms.Form):
    """Which reservations to show."""

    state = forms.ChoiceField(
        label="State",
        required=False,
        choices=[
            ("", "all"),
            (str(ReservationState.OPEN), "held now"),
            (str(ReservationState.CLOSED), "settled"),
        ],
    )
