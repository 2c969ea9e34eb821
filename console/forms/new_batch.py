"""What a new batch is made of: its items, and what is wished for them."""

from collections.abc import Iterable
from typing import Any, Literal

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict

from batches.manifest.envelope import PRIVACY_TIERS, REGIONS, SLA_HOURS
from batches.manifest.problems import InvalidManifest
from batchrouter.kit.money import MoneyFormatError, format_usd, parse_usd
from console.forms.base import ServiceForm

# Pages with more in them are slow to type in; files are for more.
TEXT_CHARS_MAX = 2 * 1024 * 1024
OUTPUT_TOKENS = 512
_OUTPUT_TOKENS_MAX = 1_000_000
ITEMS, PROMPTS, TABLE = "items", "prompts", "table"
PREVIEW = "preview"
# Fields that say nothing of items that came as a file.
_OF_TEXTS = ("kind", "text", "model", "max_output_tokens")

_SLA_WORDS = {
    "priority": f"Priority: within {SLA_HOURS['priority']} hour",
    "standard": f"Standard: within {SLA_HOURS['standard']} hours",
    "flex": f"Flex: within {SLA_HOURS['flex']} hours",
}
_MODE_WORDS = {
    "sla_aware": "Balanced, within the deadline",
    "cheapest": "The cheapest lane",
    "quality_first": "The best quality first",
    "public_only": "Providers only, no self-hosted servers",
    "privacy_constrained": "Confidential lanes only",
    "edge_only": "Self-hosted servers only",
    "hybrid": "Self-hosted servers and providers",
}
_REGION_WORDS = {"global": "Anywhere", "eu": "European Union", "us": "United States"}


class NewBatchForm(ServiceForm):
    """Items as text or as a file, or a file that was sent before; and the wishes."""

    workflow = forms.CharField(
        required=False, max_length=80, widget=forms.HiddenInput()
    )
    input_file_id = forms.CharField(
        required=False, max_length=40, widget=forms.HiddenInput()
    )
    table_id = forms.CharField(
        required=False, max_length=40, widget=forms.HiddenInput()
    )
    table_name = forms.CharField(
        required=False, max_length=255, widget=forms.HiddenInput()
    )
    kind = forms.ChoiceField(
        label="What the text is",
        choices=[
            (PROMPTS, "Plain text: each line is one prompt"),
            (TABLE, "A table: CSV or TSV with a header; you choose the columns next"),
            (ITEMS, "Items: NDJSON, or a JSON list"),
        ],
        initial=PROMPTS,
        # Not asked for where the items are a file that was sent before.
        required=False,
        widget=forms.RadioSelect,
    )
    text = forms.CharField(
        label="Text",
        required=False,
        strip=False,
        max_length=TEXT_CHARS_MAX,
        widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false"}),
        error_messages={
            "max_length": "That is more than this field takes: send it as a file."
        },
    )
    file = forms.FileField(
        label="Or a file",
        required=False,
        allow_empty_file=True,
        help_text="NDJSON, CSV or TSV with a header, or text with one prompt a line: "
        "up to 200 MiB and 100,000 items. A file takes the place of the text.",
        widget=forms.FileInput(attrs={"accept": ".ndjson,.jsonl,.csv,.tsv,.txt"}),
    )
    model = forms.ChoiceField(
        label="Model of the prompts",
        required=False,
        help_text="Items name their own.",
    )
    max_output_tokens = forms.IntegerField(
        label="Most tokens of an answer",
        required=False,
        min_value=1,
        max_value=_OUTPUT_TOKENS_MAX,
        initial=OUTPUT_TOKENS,
        help_text="For prompts. The quote's ceiling counts it in full; empty is the "
        "model's default.",
    )
    sla_tier = forms.ChoiceField(
        label="Deadline", choices=list(_SLA_WORDS.items()), initial="standard"
    )
    routing_mode = forms.ChoiceField(
        label="Routing", choices=list(_MODE_WORDS.items()), initial="sla_aware"
    )
    privacy_tier = forms.ChoiceField(
        label="Privacy",
        choices=[(tier, tier.capitalize()) for tier in PRIVACY_TIERS],
        initial="standard",
    )
    allowed_regions = forms.MultipleChoiceField(
        label="Regions",
        choices=[(region, _REGION_WORDS[region]) for region in REGIONS],
        initial=["global"],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose where the work may go."},
    )
    max_price = forms.CharField(
        label="Most you would pay, in US dollars",
        required=False,
        help_text="Optional. A quote above it is refused.",
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    dedupe = forms.BooleanField(
        label="Run identical items once, and pay for them once", required=False
    )
    skip_invalid = forms.BooleanField(
        label="Leave out items that cannot be taken", required=False
    )

    def __init__(
        self, *args: Any, models: Iterable[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["model"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [("", "Choose a model"), *models]

    def clean_max_price(self) -> str:
        """Return dollars as text; empty for no ceiling.

        Raises:
            ValidationError: it is no amount.
        """
        text = str(self.cleaned_data["max_price"]).strip().removeprefix("$")
        if not text:
            return ""
        try:
            amount = parse_usd(text)
        except MoneyFormatError as error:
            raise forms.ValidationError(
                "Enter dollars with a point, such as 25 or 25.50."
            ) from error
        if amount == 0:
            raise forms.ValidationError("Enter more than nothing, or leave it empty.")
        return format_usd(amount)

    def clean(self) -> dict[str, Any]:
        """Ask for items, and for a model where prompts need one.

        Raises:
            ValidationError: there are no items.
        """
        cleaned = super().clean() or self.cleaned_data
        if self.upload is not None:
            # It takes the place of what was sent before.
            self._keep(input_file_id="")
            cleaned["input_file_id"] = ""
        if self.upload is not None or cleaned.get("input_file_id"):
            return cleaned
        has_table = bool(cleaned.get("table_id"))
        if not has_table and "text" in cleaned and not cleaned["text"].strip():
            self.add_error("text", "Type or paste something here, or choose a file.")
        is_table = has_table or cleaned.get("kind") == TABLE
        if self._names_model_by_column() if is_table else cleaned["kind"] != PROMPTS:
            return cleaned
        self.ask_for_model()
        return cleaned

    def _names_model_by_column(self) -> bool:
        """Tell whether a table's mapping needs no model beside it, or is not made."""
        is_made = "template" in self.data and self.data.get("step") != PREVIEW
        return not is_made or bool(self.data.get("model_column"))

    def ask_for_model(self) -> None:
        """Refuse prompts that nothing says a model for."""
        cleaned = self.cleaned_data
        if not cleaned.get("workflow") and cleaned.get("model") == "":
            self.add_error("model", "Choose the model that answers the prompts.")

    @property
    def upload(self) -> "UploadedFile[bytes] | None":
        """The file that came with the form, if one did."""
        found = self.files.get("file")
        return found if isinstance(found, UploadedFile) else None

    @property
    def on_invalid(self) -> Literal["reject", "skip"]:
        """What becomes of items that cannot be taken."""
        return "skip" if self.cleaned_data.get("skip_invalid") else "reject"

    def wishes(self) -> dict[str, Any]:
        """Return the envelope of the manifest, once the form is valid."""
        cleaned = self.cleaned_data
        body: dict[str, Any] = {
            "sla_tier": cleaned["sla_tier"],
            "routing_mode": cleaned["routing_mode"],
            "privacy_tier": cleaned["privacy_tier"],
            "allowed_regions": cleaned["allowed_regions"],
            "dedupe": cleaned["dedupe"],
            "on_invalid": self.on_invalid,
        }
        if cleaned["max_price"]:
            body["max_price"] = cleaned["max_price"]
        if cleaned["workflow"]:
            body["workflow"] = cleaned["workflow"]
        return body

    def refuse_items(self, error: InvalidManifest) -> None:
        """Say where the problems of the items stand; the page lists them."""
        number = error.details["error_count"]
        self._refused_with = error.status
        is_text = self.upload is None and not self.cleaned_data.get("table_id")
        self.add_error(
            "text" if is_text else "file",
            f"{number:,} problem{'' if number == 1 else 's'} in the items: mend what "
            "is listed below and ask again. Nothing was kept.",
        )

    def keep_file(self, file_id: str) -> None:
        """Let the next try take the file that was sent with this one.

        What stands in the fields of a text is of no account then.
        """
        self._keep(input_file_id=file_id)
        self.cleaned_data["input_file_id"] = file_id
        for name in _OF_TEXTS:
            self.errors.pop(name, None)

    def forget_file(self) -> None:
        """Ask for the items again."""
        self._keep(input_file_id="")
        self.add_error(None, "The items are not kept any more: choose them again.")

    def keep_prompts(self, upload: "UploadedFile[bytes]") -> None:
        """Let a file of prompts stand in the text, if it is not too large for it."""
        size = upload.size
        if size is None or size > TEXT_CHARS_MAX:
            return
        upload.seek(0)
        try:
            text = upload.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            return
        self._keep(text=text, kind=PROMPTS)

    def keep_table(self, table_id: str, name: str) -> None:
        """Let the next step take the table that was sent with this one."""
        self._keep(table_id=table_id, table_name=name, kind=TABLE)

    def forget_table(self) -> None:
        """Ask for the table again."""
        self._keep(table_id="", table_name="")
        self.cleaned_data["table_id"] = ""

    def _keep(self, **values: str) -> None:
        data = QueryDict(mutable=True)
        data.update(self.data)
        for name, value in values.items():
            data[name] = value
        self.data = data
