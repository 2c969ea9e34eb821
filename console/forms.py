"""What people type; the forms check shape only."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm

from batchrouter.kit.money import MoneyFormatError, parse_usd

RECEIPT_BYTES_MAX = 4 * 1024 * 1024


class LoginForm(AuthenticationForm):
    """Email and password, with errors that say how to mend them."""

    username = forms.EmailField(
        label="Email",
        widget=forms.EmailInput(
            attrs={"autofocus": True, "autocomplete": "username", "spellcheck": "false"}
        ),
        error_messages={
            "required": "Enter the email address of your account.",
            "invalid": "Enter a whole email address, such as name@example.com.",
        },
    )
    error_messages = {
        "invalid_login": "This email and password do not belong together. Check the "
        "address for typing mistakes, and that Caps Lock is off: capital letters count "
        "in the password.",
        "inactive": "This account is closed. Ask an owner of your organization to open "
        "it again.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].error_messages["required"] = "Enter your password."

    def clean_username(self) -> str:
        """Return the address as accounts keep it."""
        return str(self.cleaned_data["username"]).lower()


class ReceiptForm(forms.Form):
    """A receipt, pasted or as a file."""

    text = forms.CharField(
        label="Receipt JSON",
        required=False,
        max_length=RECEIPT_BYTES_MAX,
        strip=False,
        widget=forms.Textarea(
            attrs={"rows": 12, "spellcheck": "false", "placeholder": '{"receipt": …}'}
        ),
    )
    file = forms.FileField(
        label="Or a file",
        required=False,
        widget=forms.ClearableFileInput(attrs={"accept": ".json,application/json"}),
    )

    def clean(self) -> dict[str, Any]:
        """Ask for one of the two.

        Raises:
            ValidationError: neither or both were given.
        """
        cleaned = super().clean() or self.cleaned_data
        has_text = bool(str(cleaned.get("text") or "").strip())
        if has_text == bool(cleaned.get("file")):
            raise forms.ValidationError(
                "Paste the whole receipt, or choose its file: one of the two."
            )
        return cleaned

    def document(self) -> bytes:
        """Return the bytes to check, once the form is valid."""
        file = self.cleaned_data["file"]
        if file is not None:
            return bytes(file.read(RECEIPT_BYTES_MAX + 1))
        return str(self.cleaned_data["text"]).encode(errors="surrogatepass")


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
