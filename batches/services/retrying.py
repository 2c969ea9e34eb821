"""Run the unfinished items of an ended batch again: a quote for just those.

The quote is one like any other: free, binding for ten minutes, submitted by its id. The
batch that comes of it knows its parent, whose results show of each item the best row.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import connection, transaction

from accounts.models import Org
from batches.content import check_content
from batches.families import LATEST, ids_below, locked_root, overlapping, root_of
from batches.manifest.envelope import DEADLINE_MIN, Spec
from batches.manifest.parts import part_of
from batches.models import Batch, Manifest, Quote
from batches.services.inputs import hold_input
from batches.services.quoting import quote_manifest
from batches.states import BATCH_TERMINAL, RowStatus
from batchrouter.kit.errors import Conflict, InvalidRequest

STATUSES_OF = {
    "failed": (RowStatus.FAILED,),
    "expired": (RowStatus.EXPIRED,),
    "all_unfinished": (RowStatus.FAILED, RowStatus.EXPIRED, RowStatus.CANCELED),
}
ONLY_DEFAULT = "all_unfinished"
CHOSEN_MAX = 5_000
_SHOWN = 100


class BatchNotFinished(Conflict):
    """The batch still runs; what it will leave unfinished is not known yet."""

    code = "batch_not_finished"


class NothingToRetry(Conflict):
    """No item is unfinished in the way that was asked for."""

    code = "nothing_to_retry"


class RetryInProgress(Conflict):
    """Another retry runs one of the items, or has delivered it."""

    code = "retry_in_progress"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which unfinished items are to run again.

    Attributes:
        only: a key of :data:`STATUSES_OF`.
        error_codes: of their rows; empty takes any.
        customer_item_ids: just these; empty takes all.
    """

    only: str = ONLY_DEFAULT
    error_codes: tuple[str, ...] = ()
    customer_item_ids: tuple[str, ...] = ()


@transaction.atomic
def quote_retry(
    batch: Batch, wanted: Wanted, *, org: Org, is_test: bool, now: datetime
) -> Quote:
    """Price the chosen unfinished items of a batch, by today's lanes.

    Golden items are no results and are left out. The wishes are those of the batch. A
    deadline of its own is as far away again as it was when the batch was made.

    Raises:
        BatchNotFinished, ContentDeleted, NothingToRetry, RetryInProgress.
        InvalidRequest: an item was named that is not unfinished in this way.
        NoEligibleLane, MaxPriceExceeded.
    """
    family = lock_family(batch)
    if batch.state not in BATCH_TERMINAL:
        raise BatchNotFinished(
            f"The batch is {batch.state}; what it leaves can be retried when it ends."
        )
    hold_input(batch.manifest)
    seqs = _chosen(batch, family, wanted)
    part = part_of(batch.manifest, seqs, now=now)
    check_free(part, batch)
    return quote_manifest(
        org=org,
        manifest=part,
        spec=_spec(batch, now=now),
        is_test=is_test,
        now=now,
        retry_of=batch,
    )


def lock_family(batch: Batch) -> list[int]:
    """Lock a batch that is to be retried, and its root; return the root's family.

    Raises:
        ContentDeleted.
    """
    root = locked_root(batch.pk)
    locked = Batch.objects.select_for_update(no_key=True).get(pk=batch.pk)
    check_content(locked)
    return ids_below(root.pk)


def check_free(part: Manifest, batch: Batch) -> None:
    """Refuse to run an item that another batch of the family runs or has delivered.

    A retry of a retry and one of their parent may want the same item.

    Raises:
        RetryInProgress.
    """
    other = overlapping(part.pk, ids_below(root_of(batch.pk)))
    if other is not None:
        raise RetryInProgress(
            f"{other} runs some of these items already, or has delivered them; ask "
            "for the rest when it has ended.",
            details={"batch_id": other},
        )


_CHOSEN = f"""
SELECT l.seq, i.customer_item_id FROM ({LATEST}) l
  JOIN batches_item i ON i.manifest_id = %(manifest)s AND i.seq = l.seq
                     AND NOT i.is_golden
 WHERE l.status = ANY(%(statuses)s)
   AND (%(any_code)s OR l.error_code = ANY(%(codes)s))
   AND (%(any_id)s OR i.customer_item_id = ANY(%(ids)s))
 ORDER BY l.seq
"""  # noqa: S608 # constants of ours only


def _chosen(batch: Batch, family: Collection[int], wanted: Wanted) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            _CHOSEN,
            {
                "family": list(family),
                "manifest": batch.manifest_id,
                "statuses": [str(status) for status in STATUSES_OF[wanted.only]],
                "any_code": not wanted.error_codes,
                "codes": list(wanted.error_codes),
                "any_id": not wanted.customer_item_ids,
                "ids": list(wanted.customer_item_ids),
            },
        )
        found = cursor.fetchall()
    _refuse_others(wanted, {customer_id for _, customer_id in found})
    if not found:
        raise NothingToRetry("No item of this batch is unfinished in this way.")
    return [seq for seq, _ in found]


def _refuse_others(wanted: Wanted, found: set[str]) -> None:
    missing = [name for name in wanted.customer_item_ids if name not in found]
    if missing:
        raise InvalidRequest(
            f"{len(missing)} of the named items are not unfinished in this way; "
            "details lists them.",
            param="customer_item_ids",
            details={"customer_item_ids": missing[:_SHOWN], "count": len(missing)},
        )


def _spec(batch: Batch, *, now: datetime) -> Spec:
    spec = Spec.from_json(batch.quote.spec)
    if spec.deadline_at is None:
        return spec
    window = max(spec.deadline_at - batch.created_at, DEADLINE_MIN)
    return replace(spec, deadline_at=now + window)
