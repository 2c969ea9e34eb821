"""Settings of billing."""

from django import forms

from batchrouter.kit.money import MoneyFormatError, parse_usd


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
