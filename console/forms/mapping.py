"""Which column of a table goes where."""

from collections.abc import Sequence
from typing import Any, Final

from django import forms

from batches.golden import MATCHES
from batches.manifest.findings import PAIRS_MAX
from batches.manifest.mapping import ColumnMapping, placeholders
from batches.manifest.tables import Row

_TEXT_NAMES: Final = (
    *("prompt", "input", "text", "question", "message", "content", "body"),
    "description",
)
_ID_NAMES: Final = ("customer_item_id", "custom_id", "id", "key", "uuid")
_NAME_SHOWN: Final = 40
_MATCH_WORDS: Final = {
    "exact": "The answer is just that",
    "json": "The same JSON, whatever its spaces and order",
    "contains": "The answer contains it",
    "regex": "The answer matches it as a regular expression",
}


class MappingForm(forms.Form):
    """A prompt with places for columns, and the columns with a part of their own."""

    template = forms.CharField(
        label="Prompt of each row",
        strip=False,
        max_length=100_000,
        help_text="Put a column in by its name in double braces, such as "
        "{{subject}}. The cell goes in as it stands.",
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        error_messages={"required": "Write the prompt with the columns it needs."},
    )
    instructions = forms.CharField(
        label="Instructions",
        required=False,
        max_length=100_000,
        help_text="Optional; best the same for every row.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    id_column = forms.ChoiceField(
        label="Id of each row",
        required=False,
        help_text="Comes back with the answer.",
    )
    model_column = forms.ChoiceField(
        label="Model by a column",
        required=False,
        help_text="Where rows go to different models.",
    )
    expected_column = forms.ChoiceField(
        label="Known answers",
        required=False,
        help_text="They score the lanes. At most one row in twenty; the others are "
        "left empty.",
    )
    match = forms.ChoiceField(
        label="An answer is right if",
        choices=[(match, _MATCH_WORDS[match]) for match in MATCHES],
        initial="exact",
        required=False,
    )
    metadata_columns = forms.MultipleChoiceField(
        label="Columns that come back beside the answers",
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, columns: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._columns = columns
        names = [(name, _short(name)) for name in columns]
        self._offer("id_column", [("", "Number them by line"), *names])
        self._offer("model_column", [("", "One model for all"), *names])
        self._offer("expected_column", [("", "None"), *names])
        self._offer("metadata_columns", names)

    def _offer(self, field: str, choices: list[tuple[str, str]]) -> None:
        found = self.fields[field]
        if isinstance(found, forms.ChoiceField):
            found.choices = choices

    def clean_template(self) -> str:
        """Return the prompt's template.

        Raises:
            ValidationError: it names a column that is not there, or none.
        """
        text = self._checked("template")
        if not placeholders(text):
            raise forms.ValidationError(
                f"Name at least one column, such as {{{{{self._columns[0]}}}}}: "
                "without one all rows ask the same."
            )
        return text

    def clean_instructions(self) -> str:
        """Return the instructions.

        Raises:
            ValidationError: they name a column that is not there.
        """
        return self._checked("instructions")

    def clean_metadata_columns(self) -> list[str]:
        """Return the columns that come back.

        Raises:
            ValidationError: they are too many.
        """
        found: list[str] = self.cleaned_data["metadata_columns"]
        if len(found) > PAIRS_MAX:
            raise forms.ValidationError(f"Choose {PAIRS_MAX} at most.")
        return found

    def _checked(self, field: str) -> str:
        text = str(self.cleaned_data[field])
        unknown = [name for name in placeholders(text) if name not in self._columns]
        if unknown:
            shown = ", ".join(self._columns[:12])
            more = ", …" if len(self._columns) > 12 else ""
            raise forms.ValidationError(
                f"There is no column {_short(unknown[0])!r}. The columns are: "
                f"{shown}{more}."
            )
        return text

    def mapping(self) -> ColumnMapping:
        """Return what was chosen, once the form is valid; unbound, what it proposes."""
        chosen = self.cleaned_data if self.is_bound else self.initial
        return ColumnMapping(
            template=chosen["template"],
            id_column=chosen.get("id_column") or "",
            instructions=chosen.get("instructions") or "",
            model_column=chosen.get("model_column") or "",
            expected_column=chosen.get("expected_column") or "",
            match=chosen.get("match") or "exact",
            metadata_columns=tuple(chosen.get("metadata_columns") or ()),
        )


def propose(columns: Sequence[str], rows: Sequence[Row]) -> dict[str, Any]:
    """Return a mapping that the first rows and the columns' names suggest."""
    by_name = {name.lower(): name for name in reversed(columns)}
    text = next((by_name[name] for name in _TEXT_NAMES if name in by_name), None)
    if text is None:
        text = max(columns, key=lambda name: _letters(columns.index(name), rows))
    found = next((by_name[name] for name in _ID_NAMES if name in by_name), "")
    return {
        "template": f"{{{{{text}}}}}",
        "id_column": found if _are_ids(columns, found, rows) else "",
    }


def _letters(place: int, rows: Sequence[Row]) -> int:
    return sum(len(row.cells[place]) for row in rows if place < len(row.cells))


def _are_ids(columns: Sequence[str], name: str, rows: Sequence[Row]) -> bool:
    if not name:
        return False
    place = columns.index(name)
    cells = [row.cells[place].strip() for row in rows if place < len(row.cells)]
    return all(cells) and len(set(cells)) == len(cells)


def _short(name: str) -> str:
    return name if len(name) <= _NAME_SHOWN else f"{name[: _NAME_SHOWN - 1]}…"
