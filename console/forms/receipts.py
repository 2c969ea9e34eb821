"""A receipt that somebody wants to be checked."""

from typing import Any

from django import forms

RECEIPT_BYTES_MAX = 4 * 1024 * 1024


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
