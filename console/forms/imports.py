"""A file of past jobs, and what is wanted of it."""

from datetime import date
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from console.forms.base import ServiceForm
from console.presenters.report_findings import PROVIDER_NAMES

_DAY = {"type": "date"}


class ImportForm(ServiceForm):
    """A file, whose it is, and the days that count."""

    params = {"file_id": "file", "window": "first", "window.to": "last"}

    file = forms.FileField(
        label="File of past jobs",
        allow_empty_file=True,
        help_text="Drop it here or choose it; up to 200 MiB. Its prompts and answers "
        "are not kept.",
        widget=forms.FileInput(
            attrs={"accept": ".jsonl,.ndjson,.json,.csv,.tsv,.txt", "class": "drop"}
        ),
        error_messages={"required": "Choose a file."},
    )
    provider = forms.ChoiceField(
        label="Whose jobs",
        required=False,
        choices=[("", "Find out"), *PROVIDER_NAMES.items()],
    )
    first = forms.DateField(
        label="From (optional)",
        required=False,
        widget=forms.DateInput(attrs=_DAY),
        error_messages={"invalid": "Enter a day such as 2026-10-01."},
    )
    last = forms.DateField(
        label="To (optional)",
        required=False,
        widget=forms.DateInput(attrs=_DAY),
        help_text="Other days are left out. Items without a date count on the last.",
        error_messages={"invalid": "Enter a day such as 2026-10-31."},
    )

    def clean(self) -> dict[str, Any]:
        """Ask for both ends of the window, or none.

        Raises:
            ValidationError: one is missing.
        """
        cleaned = super().clean() or self.cleaned_data
        if "first" in cleaned and "last" in cleaned:
            for name, other in (("first", "last"), ("last", "first")):
                if cleaned[other] is not None and cleaned[name] is None:
                    self.add_error(name, "Enter both days, or none.")
        return cleaned

    @property
    def upload(self) -> "UploadedFile[bytes]":
        """The file that came with the form."""
        found = self.cleaned_data["file"]
        if not isinstance(found, UploadedFile):
            raise TypeError("a valid form has its file")
        return found

    def window(self) -> dict[str, str] | None:
        """Return the window as the API takes it, once the form is valid."""
        first, last = self.cleaned_data["first"], self.cleaned_data["last"]
        if not (isinstance(first, date) and isinstance(last, date)):
            return None
        return {"from": first.isoformat(), "to": last.isoformat()}
