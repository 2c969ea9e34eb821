"""The first page: what runs, and what it cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate

from batches.models import Batch
from batches.progress import eta, stands_since
from batches.services.spending import Spending
from console.charts import Chart, Series, bar_chart, line_chart
from console.selectors import Motion
from console.templatetags.console_format import dollars


@dataclass(frozen=True, slots=True)
class RunningLine:
    """A batch that runs.

    Attributes:
        left: the longest that it is likely to take from now on.
        stands_since: None for one that moves.
    """

    public_id: str
    state: str
    item_count: int
    done: int
    failed: int
    quoted_nanousd: int
    left: timedelta | None
    deadline_at: datetime
    stands_since: datetime | None


@dataclass(frozen=True, slots=True)
class Running:
    """Everything that runs; ``seen`` changes when a batch begins or ends."""

    lines: tuple[RunningLine, ...]
    seen: str
    is_open: bool


def running(
    batches: Sequence[Batch],
    motions: Mapping[int, Motion],
    *,
    now: datetime,
    seen: str | None = None,
) -> Running:
    """Show what runs.

    Args:
        batches: the open ones.
        motions: of each.
        now: the present instant.
        seen: what an earlier look saw; where it is another, the page is old.
    """
    ids = [batch.public_id for batch in batches]
    present = f"{len(ids)}-{ids[0]}-{ids[-1]}" if ids else ""
    return Running(
        tuple(_running_line(batch, motions[batch.pk], now) for batch in batches),
        present,
        is_open=bool(ids) and seen in {None, present},
    )


def _running_line(batch: Batch, motion: Motion, now: datetime) -> RunningLine:
    progress = motion.progress
    _, high = eta(batch, progress, now=now)
    left = high - now
    return RunningLine(
        public_id=batch.public_id,
        state=batch.state,
        item_count=batch.item_count,
        done=progress.done,
        failed=progress.failed + progress.expired,
        quoted_nanousd=batch.quote.total_nanousd,
        left=left if left >= timedelta(seconds=1) else None,
        deadline_at=batch.deadline_at,
        stands_since=stands_since(batch, motion.rows_at, now=now),
    )


@dataclass(frozen=True, slots=True)
class Money:
    """What was spent and saved in the window, in sums and by day."""

    days: int
    batches: int
    items: int
    spent_nanousd: int
    provider: str | None
    saved_nanousd: int | None
    spend: Chart
    saving: Chart | None


def money(spending: Spending) -> Money:
    """Show spending by day; savings where past jobs were imported that compare."""
    days = spending.days
    x = tuple(_day(one.day) for one in days)
    return Money(
        days=len(days),
        batches=sum(one.batches for one in days),
        items=sum(one.items for one in days),
        spent_nanousd=sum(one.charged_nanousd for one in days),
        provider=spending.provider,
        saved_nanousd=spending.saved_nanousd if spending.has_compared else None,
        spend=bar_chart(
            "spend",
            title="Spent per day",
            x_title="Day",
            x=x,
            series=(Series("Charged", tuple(one.charged_nanousd for one in days)),),
            write=dollars,
        ),
        saving=_saving(spending, x) if spending.has_compared else None,
    )


def _saving(spending: Spending, x: tuple[str, ...]) -> Chart:
    """Draw both sums; what lies between them at the end was saved."""
    days = spending.days
    return line_chart(
        "saving",
        title="The same work, then and now, summed up",
        x_title="Day",
        x=x,
        series=(
            Series(
                f"As you did it at {spending.provider}",
                tuple(accumulate(one.at_baseline_nanousd for one in days)),
            ),
            Series(
                "Charged here",
                tuple(accumulate(one.compared_nanousd for one in days)),
            ),
        ),
        write=dollars,
    )


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"
