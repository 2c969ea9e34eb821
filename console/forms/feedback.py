"""What a person says of one answer."""

from typing import Any

from django import forms

from batches.feedback_body import (
    CORRECTION_BYTES_MAX,
    REASON_LENGTH_MAX,
    Said,
    read_feedback,
)
from batches.models import Verdict
from batchrouter.kit import strict_json
from console.forms.base import ServiceForm


class FeedbackForm(ServiceForm):
    """A verdict on a row, by the button that was pressed, and what goes with it."""

    params = {"items[0].correction": "correction", "items[0].reason": "reason"}

    verdict = forms.ChoiceField(
        choices=Verdict.choices,
        widget=forms.HiddenInput(),
        error_messages={"required": "Accept, reject or correct the answer."},
    )
    reason = forms.CharField(
        label="Reason or category",
        required=False,
        max_length=REASON_LENGTH_MAX,
        help_text="Optional; goes along with whichever verdict you give.",
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "data-shortcut": "c",
                "data-shortcut-label": "Write a reason",
            }
        ),
    )
    correction = forms.CharField(
        label="What it should have been",
        required=False,
        strip=False,
        max_length=CORRECTION_BYTES_MAX,
        widget=forms.Textarea(
            attrs={
                "rows": 6,
                "spellcheck": "false",
                "dir": "auto",
                "data-shortcut": "e",
                "data-shortcut-label": "Correct the answer",
            }
        ),
    )

    def __init__(self, *args: Any, is_json: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._is_json = is_json

    def clean(self) -> dict[str, Any]:
        """Read the correction: JSON where the answer is JSON.

        Raises:
            ValidationError: there is none, or it is no JSON.
        """
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("verdict") != Verdict.CORRECTED or "correction" not in cleaned:
            return cleaned
        text = cleaned["correction"].replace("\r\n", "\n")
        if not text.strip():
            self.add_error("correction", "Write what the answer should have been.")
        cleaned["correction"] = self._read(text) if self._is_json else text
        return cleaned

    def said(self, customer_item_id: str) -> Said:
        """Return the verdict on this row, once the form is valid.

        Raises:
            FeedbackRefused: the service refuses it as the API would.
        """
        cleaned = self.cleaned_data
        item = {
            "customer_item_id": customer_item_id,
            "verdict": cleaned["verdict"],
            "reason": cleaned["reason"],
        }
        if cleaned["verdict"] == Verdict.CORRECTED:
            item["correction"] = cleaned["correction"]
        return read_feedback({"items": [item]})

    def _read(self, text: str) -> Any:
        try:
            return strict_json.loads(text.encode(errors="surrogatepass"))
        except strict_json.StrictJsonError as error:
            self.add_error("correction", f"The answer is JSON. {error.message}")
            return None
