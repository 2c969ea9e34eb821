"""One try at a new batch: what was sent, what stands against it, and its quote."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from accounts.models import Org
from batches.manifest.mapping import ItemOf, made_items
from batches.manifest.pasting import prompts, text_lines, whole_json
from batches.manifest.problems import InvalidManifest
from batches.manifest.reader import Made
from batches.models import Quote
from batches.services.composing import (
    keep_items,
    keep_made,
    prompt_template,
    quote_file,
    row_template,
)
from batchrouter.kit import clock
from batchrouter.kit.errors import BatchRouterError, NotFound
from console.forms import ITEMS, PROMPTS, MappingForm, NewBatchForm, propose
from console.selectors import kept_manifest
from console.sheets import Sheet, chunks_of, kind_of, sheet_of

_PASTED = "pasted.ndjson"


@dataclass(slots=True)
class Attempt:
    """A form that was sent, the table that came with it, and what is wrong.

    Attributes:
        errors: of the items, as the API lists them.
        error_count: of all, where not all are listed.
    """

    form: NewBatchForm
    org: Org
    sheet: Sheet | None = None
    mapping: MappingForm | None = None
    refusal: BatchRouterError | None = None
    errors: Sequence[dict[str, Any]] = field(default_factory=list)
    error_count: int = 0

    @property
    def is_pasted(self) -> bool:
        """Tell whether the items stand in the form's text."""
        cleaned = self.form.cleaned_data
        return self.form.upload is None and not cleaned.get("table_id")

    @property
    def is_ready(self) -> bool:
        """Tell whether everything for a quote is there."""
        if self.form.errors:
            return False
        return self.mapping is None or self.mapping.is_valid()

    @property
    def status(self) -> int:
        """The HTTP status of the page that shows it."""
        is_wrong = self.mapping is not None and bool(self.mapping.errors)
        return 400 if is_wrong and not self.form.errors else self.form.status

    def refuse(self, error: BatchRouterError) -> None:
        """Note why it was refused; what is wrong with items is listed by line."""
        self.refusal = error
        if isinstance(error, InvalidManifest):
            self.form.refuse_items(error)
            self.errors = error.details["errors"]
            self.error_count = error.details["error_count"]
        else:
            self.form.refuse(error)

    def find_table(self, posted: Mapping[str, Any]) -> None:
        """Open the table that came along, and read what was said of its columns."""
        try:
            self.sheet = sheet_of(self.form, self.org)
        except InvalidManifest as error:
            self.refuse(error)
        except NotFound as error:
            self.form.forget_table()
            self.refuse(error)
        if self.sheet is None:
            return
        columns = self.sheet.columns
        if "template" in posted:
            self.mapping = MappingForm(posted, columns=columns)
        else:
            proposed = propose(columns, self.sheet.rows)
            self.mapping = MappingForm(initial=proposed, columns=columns)

    def quote(self) -> Quote:
        """Keep the items, unless they are kept, and quote them.

        Raises:
            BatchRouterError: with the reason; the form remembers what was kept.
        """
        form, wishes = self.form, self.form.wishes()
        file_id = form.cleaned_data["input_file_id"]
        if not file_id:
            file_id = self._keep()
            if form.upload is not None or self.sheet is not None:
                form.keep_file(file_id)
        return quote_file(file_id, org=self.org, wishes=wishes, now=clock.now())

    def look_at_file(self) -> None:
        """Refuse a file that was sent before and is gone, and prompts with no model."""
        form = self.form
        file_id = form.cleaned_data.get("input_file_id")
        if file_id and kept_manifest(self.org, file_id) is None:
            form.forget_file()
        if form.upload is not None and kind_of(form) == PROMPTS:
            form.ask_for_model()

    def keep_upload(self) -> None:
        """Keep what came as a file, where something else has to be mended first.

        Items are checked and become a file of the organization, a table is kept
        already, and prompts go into the text, where they can be seen.
        """
        form = self.form
        if form.upload is None or self.sheet is not None:
            return
        kind = kind_of(form)
        if kind == PROMPTS:
            form.keep_prompts(form.upload)
        elif kind == ITEMS:
            try:
                form.keep_file(self._keep())
            except InvalidManifest as error:
                self.refuse(error)

    def item_of(self) -> ItemOf:
        """Return what gives the item of a table's row."""
        cleaned = self.form.cleaned_data
        return row_template(
            workflow=cleaned.get("workflow", ""),
            model=cleaned.get("model", ""),
            max_output_tokens=cleaned.get("max_output_tokens"),
        )

    def columns_of(self, name: str) -> Sequence[str]:
        """Return the columns that a field of an item was made of."""
        if self.mapping is None or not self.mapping.is_valid():
            return ()
        return self.mapping.mapping().columns_of(name)

    def source(self) -> Iterable[bytes]:
        """Return the bytes that the problems' lines are counted in."""
        if self.form.upload is not None:
            return chunks_of(self.form.upload)
        if self.sheet is not None:
            return self.sheet.chunks()
        return [str(self.form.data.get("text", "")).encode(errors="replace")]

    def _keep(self) -> str:
        made = self._made()
        upload, now = self.form.upload, clock.now()
        on_invalid = self.form.on_invalid
        name = _PASTED if upload is None else (upload.name or _PASTED)
        if self.sheet is not None:
            name = f"{self.sheet.filename}.ndjson"
        if made is None:
            return keep_items(
                self.source(),
                org=self.org,
                filename=name,
                on_invalid=on_invalid,
                now=now,
            )
        return keep_made(
            made, org=self.org, filename=name, on_invalid=on_invalid, now=now
        )

    def _made(self) -> Iterable[Made] | None:
        """Return the items that are made of what came; None where it is their lines."""
        if self.sheet is not None and self.mapping is not None:
            mapping = self.mapping.mapping()
            return made_items(self.sheet.table(), mapping, self.item_of())
        if kind_of(self.form) != PROMPTS:
            if self.form.upload is not None:
                return None
            return whole_json(self.form.cleaned_data["text"])
        cleaned = self.form.cleaned_data
        template = prompt_template(
            workflow=cleaned["workflow"],
            model=cleaned["model"],
            max_output_tokens=cleaned["max_output_tokens"],
        )
        return prompts(text_lines(self.source()), template)
