"""Take a customer's feedback: all of it or nothing, and teach routing by it at once."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime

from django.db import connection, transaction

from batches.engine.lifecycle import record_event
from batches.feedback_body import (
    HIGH_RATING_MIN,
    LOW_RATING_MAX,
    FeedbackRefused,
    Said,
    SaidItem,
)
from batches.manifest.problems import Problem, Problems
from batches.models import (
    WHOLE,
    Batch,
    ItemVerdict,
    QualityFeedback,
    QualitySource,
    Verdict,
)
from batches.quality import DeliveredLane, delivered_lanes, lanes_by_execution
from batches.services import observations
from batches.services.observations import Observation
from batches.states import BATCH_TERMINAL, RowStatus
from batchrouter.kit.errors import Conflict

_COLUMN = {
    Verdict.ACCEPTED: "passed",
    Verdict.CORRECTED: "repaired",
    Verdict.REJECTED: "failed",
}
_DELIVERED = (RowStatus.COMPLETED, RowStatus.REVIEW)


class BatchNotFinished(Conflict):
    """The batch still runs; its rows are judged when it has ended."""

    code = "batch_not_finished"


@transaction.atomic
def record_feedback(batch: Batch, said: Said, *, now: datetime) -> QualityFeedback:
    """Keep a feedback and fold it into what routing reads.

    A verdict takes the place of an earlier one on the same row, and a rating or
    ``accepted`` that of an earlier one on the batch. A test key's batch teaches
    nothing.

    Raises:
        BatchNotFinished.
        FeedbackRefused: a row is not of this batch or was not delivered.
    """
    # Verdicts on one batch come one after another.
    locked = Batch.objects.select_for_update(no_key=True).get(pk=batch.pk)
    if locked.state not in BATCH_TERMINAL:
        raise BatchNotFinished(
            f"The batch is {locked.state}; give feedback when it has ended."
        )
    rows = _judged_rows(batch, said.items)
    earlier = _earlier_on_batch(batch) if said.judges_batch else None
    counts = Counter(item.verdict for item in said.items)
    feedback = QualityFeedback.objects.create(
        batch=batch,
        rating=said.rating,
        is_accepted=said.is_accepted,
        comment=said.comment,
        verdict_counts={word: counts[word] for word in Verdict.values},
        created_at=now,
    )
    replaced = _take_verdicts_back(batch, [row.seq for row in rows.values()])
    ItemVerdict.objects.bulk_create(
        ItemVerdict(
            feedback=feedback,
            batch_id=batch.pk,
            seq=rows[item.customer_item_id].seq,
            verdict=item.verdict,
            correction=item.correction,
            reason=item.reason,
        )
        for item in said.items
    )
    if not batch.quote.is_test:
        observations.fold(
            [
                *_of_rows(batch, said.items, rows, replaced, today=now.date()),
                *_of_batch(batch, feedback, earlier),
            ]
        )
    record_event(
        batch.pk,
        "quality.feedback",
        {"feedback_id": feedback.public_id, "verdicts": feedback.verdict_counts},
        now=now,
    )
    return feedback


class _Row:
    """A delivered row, and the lane that made it."""

    def __init__(self, seq: int, lane: DeliveredLane) -> None:
        self.seq = seq
        self.lane = lane


# A copy was answered by the execution of its first item.
_ROWS = """
SELECT i.customer_item_id, i.seq, r.status, coalesce(r.execution_id, f.execution_id)
  FROM batches_item i
  LEFT JOIN batches_resultrow r ON r.batch_id = %s AND r.seq = i.seq
  LEFT JOIN batches_resultrow f ON f.batch_id = r.batch_id AND f.seq = i.copy_of
 WHERE i.manifest_id = %s AND i.customer_item_id = ANY(%s)
"""


def _judged_rows(batch: Batch, items: Sequence[SaidItem]) -> dict[str, _Row]:
    """Return the rows that verdicts are about, by the customer's id.

    Raises:
        FeedbackRefused.
    """
    if not items:
        return {}
    names = [item.customer_item_id for item in items]
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [batch.pk, batch.manifest_id, names])
        found = {name: place for name, *place in cursor.fetchall()}
    problems = Problems()
    for item in items:
        problem = _row_problem(item, found)
        if problem is not None:
            problems.add(problem, customer_item_id=item.customer_item_id)
    if problems:
        raise FeedbackRefused.of(problems)
    lanes = lanes_by_execution(batch)
    return {
        name: _Row(seq, lanes[execution_id])
        for name, (seq, _, execution_id) in found.items()
    }


def _row_problem(
    item: SaidItem, found: Mapping[str, Sequence[object]]
) -> Problem | None:
    field = f"items[{item.index}].customer_item_id"
    place = found.get(item.customer_item_id)
    if place is None:
        return Problem(field, "item_not_found", "The batch has no item of this id.")
    _, status, execution_id = place
    if status in _DELIVERED and execution_id is not None:
        return None
    text = f"The row is {status or 'not there'}: only a delivered answer is judged."
    return Problem(field, "item_not_delivered", text)


def _take_verdicts_back(batch: Batch, seqs: Sequence[int]) -> dict[int, ItemVerdict]:
    """Retire the current verdicts on rows, and return them by item number."""
    current = ItemVerdict.objects.filter(
        batch_id=batch.pk, seq__in=seqs, is_current=True
    )
    found = {row.seq: row for row in current.select_related("feedback")}
    current.update(is_current=False)
    return found


def _of_rows(
    batch: Batch,
    items: Iterable[SaidItem],
    rows: Mapping[str, _Row],
    replaced: Mapping[int, ItemVerdict],
    *,
    today: date,
) -> Iterator[Observation]:
    """Sum verdicts by lane and day; those that are replaced are taken off theirs."""
    counts: Counter[tuple[DeliveredLane, date, str]] = Counter()
    for item in items:
        row = rows[item.customer_item_id]
        counts[row.lane, today, _COLUMN[Verdict(item.verdict)]] += 1
        old = replaced.get(row.seq)
        if old is not None:
            day = old.feedback.created_at.date()
            counts[row.lane, day, _COLUMN[Verdict(old.verdict)]] -= 1
    for (lane, day, column), count in counts.items():
        if count:
            yield _observed(batch, lane, day, QualitySource.FEEDBACK, column, count)


def _of_batch(
    batch: Batch, said: QualityFeedback, earlier: QualityFeedback | None
) -> Iterator[Observation]:
    """Count a verdict on the batch once for every lane that made rows of it."""
    changes = [(said, 1)] if _batch_column(said) else []
    if earlier is not None:
        changes.append((earlier, -1))
    if not changes:
        return
    for lane in delivered_lanes(batch):
        for feedback, count in changes:
            day, column = feedback.created_at.date(), _batch_column(feedback)
            yield _observed(batch, lane, day, QualitySource.RATING, column, count)


def _earlier_on_batch(batch: Batch) -> QualityFeedback | None:
    """Return the latest feedback that judged the batch as a whole."""
    said = QualityFeedback.objects.filter(batch=batch).exclude(
        rating=None, is_accepted=None
    )
    return said.order_by("-id").first()


def _batch_column(said: QualityFeedback) -> str:
    """Return the column that a verdict on a batch counts in; empty without one.

    ``accepted`` goes before the rating, whose middle counts as half.
    """
    if said.is_accepted is not None:
        return "passed" if said.is_accepted else "failed"
    if said.rating is None:
        return ""
    if said.rating >= HIGH_RATING_MIN:
        return "passed"
    return "failed" if said.rating <= LOW_RATING_MAX else "repaired"


def _observed(
    batch: Batch,
    lane: DeliveredLane,
    day: date,
    source: QualitySource,
    column: str,
    count: int,
) -> Observation:
    return Observation(
        org_id=batch.org_id,
        day=day,
        offering_id=lane.offering_id,
        workload_key=lane.workload_key,
        source=source,
        check_name=WHOLE,
        provider=lane.provider,
        model=lane.model,
        operation=lane.operation,
        **{column: count},
    )
