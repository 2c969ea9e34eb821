"""A person judges one answer: on the row's page and in the review queue alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.http import Http404

from accounts.models import Org
from batches.families import Member
from batches.feedback_body import CORRECTION_BYTES_MAX
from batches.models import Batch
from batches.row_detail import RowDetail, row_detail
from batches.selectors import batch_of
from batches.services.feedback import record_feedback
from batchrouter.kit.errors import NotFound
from console.forms import FeedbackForm
from console.presenters.legible import indented, legible, plain


@dataclass(frozen=True, slots=True)
class Judged:
    """An item of a batch with its row, and what is said of that."""

    detail: RowDetail
    form: FeedbackForm

    @property
    def told(self) -> str:
        """Say what became of it."""
        name = legible(self.detail.item.customer_item_id)
        return f"{name} is {self.form.cleaned_data['verdict']}."


def judged_row(
    batch: Batch,
    seq: int,
    family: Sequence[Member],
    *,
    sent: Mapping[str, str] | None,
    with_runs: bool = True,
) -> Judged:
    """Return an item with a form for what is said of it.

    Args:
        batch: whose.
        seq: the item's number.
        family: the batch with its retries.
        sent: what was said; None for nothing yet.
        with_runs: read the item's way there too.

    Raises:
        Http404: the batch has no such item.
    """
    try:
        detail = row_detail(batch, seq, family, with_runs=with_runs)
    except NotFound as error:
        raise Http404(error.message) from error
    output = (detail.row or {}).get("output") or {}
    is_json = output.get("json") is not None
    text = indented(output["json"]) if is_json else plain(str(output.get("text") or ""))
    if len(text.encode(errors="surrogatepass")) > CORRECTION_BYTES_MAX:
        text = ""
    form = FeedbackForm(
        sent, initial={"correction": text, "verdict": ""}, is_json=is_json
    )
    return Judged(detail, form)


def judge(org: Org, judged: Judged, *, now: datetime) -> bool:
    """Tell the service what was said of a row; False where the form says why not.

    A row that a retry delivered is judged there.
    """
    form, detail = judged.form, judged.detail
    if not form.is_valid():
        return False
    with form.refusals():
        said = form.said(detail.item.customer_item_id)
        record_feedback(batch_of(org, detail.from_id), said, now=now)
        return True
    return False
