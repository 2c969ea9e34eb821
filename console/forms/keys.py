"""Making and replacing API keys."""

from datetime import datetime, timedelta

from django import forms

from accounts.keys import default_scopes
from accounts.models import Scope
from batchrouter.kit.money import MoneyFormatError, parse_usd
from console.forms.base import ServiceForm

SCOPE_WORDS = {
    Scope.QUOTE: "Ask for quotes",
    Scope.SUBMIT: "Submit batches, which spends credits",
    Scope.READ: "Read batches, results, files and receipts",
    Scope.CANCEL: "Stop batches",
    Scope.BILLING: "See balances and the ledger, and buy credits",
    Scope.ADMIN: "Administer: keys, members, webhooks",
}
_NEVER = ""
_LIFE_DAYS = [
    (_NEVER, "Never"),
    ("7", "In 7 days"),
    ("30", "In 30 days"),
    ("90", "In 90 days"),
    ("365", "In a year"),
]
_OVERLAP_HOURS = [
    ("0", "At once"),
    ("1", "In an hour"),
    ("24", "In a day"),
    ("168", "In 7 days"),
]
_LIVE, _TEST = "live", "test"


class KeyForm(ServiceForm):
    """What a new key is called and may do."""

    params = {"expires_at": "life_days", "mode": "mode"}

    name = forms.CharField(
        label="Name",
        help_text="What it is for, such as “nightly summaries”.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Enter a name."},
    )
    mode = forms.ChoiceField(
        label="Mode",
        choices=[
            (_LIVE, "Live: real providers, real credits"),
            (_TEST, "Test: sandbox lanes only"),
        ],
        initial=_LIVE,
        widget=forms.RadioSelect,
    )
    scopes = forms.MultipleChoiceField(
        label="It may",
        choices=[(scope.value, SCOPE_WORDS[scope]) for scope in Scope],
        initial=default_scopes,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one thing that the key may do."},
    )
    life_days = forms.ChoiceField(label="Expires", choices=_LIFE_DAYS, required=False)
    spend_limit = forms.CharField(
        label="Spend limit in US dollars (optional)",
        required=False,
        help_text="For its whole life and that of keys that replace it, such as 25.00.",
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )

    def clean_spend_limit(self) -> int | None:
        """Return nano-dollars; None for no limit.

        Raises:
            ValidationError: it is no amount.
        """
        text = str(self.cleaned_data["spend_limit"]).strip().removeprefix("$")
        if not text:
            return None
        try:
            amount = parse_usd(text)
        except MoneyFormatError as error:
            raise forms.ValidationError(
                "Enter dollars with a point, such as 25 or 25.50."
            ) from error
        if amount == 0:
            raise forms.ValidationError("Enter more than nothing, or leave it empty.")
        return amount

    @property
    def is_test(self) -> bool:
        """Whether the key is for sandbox lanes only."""
        return bool(self.cleaned_data["mode"] == _TEST)

    def expires_at(self, *, now: datetime) -> datetime | None:
        """Return when the key ends; None for never."""
        days = self.cleaned_data["life_days"]
        return None if days == _NEVER else now + timedelta(days=int(days))


class RotateForm(ServiceForm):
    """How long the old key goes on beside the new one."""

    overlap_hours = forms.ChoiceField(
        label="The old key ends", choices=_OVERLAP_HOURS, initial="24"
    )

    @property
    def overlap(self) -> timedelta:
        """The time that both keys work."""
        return timedelta(hours=int(self.cleaned_data["overlap_hours"]))
