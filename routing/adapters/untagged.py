"""Find a job again at a provider whose jobs carry no field of ours.

After a create call whose outcome is unknown, the jobs come into question that were made
since the order was sent, may hold as many requests as it does, and are not known to be
another order's. Of these

- an ended one whose results begin with our reference is adopted: that is proof;
- one that still runs is adopted where it is the only one in question and no other order
  of its size waits for its job: in an account of our own it is nobody else's;
- in every other case nothing is known yet. The order then waits until the candidates
  end and their results tell, or until its lane's time is over. It is never sent again
  while one of them could be it.

The key has to belong to an account in which nobody else makes jobs. Whatever is
adopted, the rows are matched by reference: another's row is never delivered.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from routing.contracts import JobOrder, OtherOrders
from routing.failures import JobOutcomeUnknown


@dataclass(frozen=True, slots=True)
class Candidate:
    """A job that was made since an order was sent.

    Attributes:
        total: its requests; None where the provider does not tell yet.
    """

    job_id: str
    total: int | None
    is_ended: bool


def find_untagged(
    made_since: Iterable[Candidate],
    order: JobOrder,
    known: OtherOrders,
    *,
    is_ours: Callable[[str], bool],
) -> str | None:
    """Return the id of the job that was made for this order, if there is one.

    Args:
        made_since: the jobs made since the order was sent.
        order: the one whose job is looked for.
        known: the other orders, asked for after the list was read.
        is_ours: tells by its results whose an ended job is.

    Raises:
        JobOutcomeUnknown: a job that is still running could be it.
    """
    running: list[str] = []
    for job in made_since:
        if job.job_id in known.job_ids or job.total not in (None, order.item_count):
            continue
        if not job.is_ended:
            running.append(job.job_id)
        elif is_ours(job.job_id):
            return job.job_id
    if not running:
        return None
    if len(running) == 1 and not known.has_twin:
        return running[0]
    raise JobOutcomeUnknown("a job that is still running could be ours")
