"""The market at a glance: figures, charts and what wants a person."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from batches import operator_figures as figures
from batches.operator_figures import Hour, LaneFailure, Queue, Risk, SettledMoney
from batches.telling import sentence
from billing.models import OperationState, OperatorRequest, ReconcileRun
from catalog import ageing
from catalog.models import Offering
from console.charts import Chart, Series, bar_chart, line_chart
from console.operators.lanes import lane_name, lane_word
from console.templatetags.console_format import dollars
from routing.lanes import lane_state

SHOWN = 10
# The proofs run every five minutes; after this nobody runs them any more.
_PROOFS_LATE = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class LaneTrouble:
    """A lane that takes no work, and until when where that is known."""

    pk: int
    name: str
    state: str
    word: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Ending:
    """A lane whose provider withdraws the model soon."""

    pk: int
    name: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """A movement of money that waits for a second person."""

    pk: int
    public_id: str
    kind: str
    whose: str
    amount_nanousd: int
    maker: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Failure:
    """Failed tries of one kind on one lane, and what the kind means."""

    lane_pk: int
    lane: str
    kind: str
    meaning: str
    tries: int


@dataclass(frozen=True, slots=True)
class Margin:
    """What was charged, what it cost us, and what is left."""

    name: str
    charged_nanousd: int
    cost_nanousd: int

    @property
    def left_nanousd(self) -> int:
        """The margin."""
        return self.charged_nanousd - self.cost_nanousd


@dataclass(frozen=True, slots=True)
class Books:
    """The last proof of the money invariants; ``state`` is a badge's."""

    state: str
    word: str
    proved_at: datetime | None
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Money:
    """What only operators of the books see."""

    margins: tuple[Margin, ...]
    chart: Chart
    asked: tuple[Asked, ...]
    has_more_asked: bool
    books: Books


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One look at the market.

    Attributes:
        items_per_minute: over the last 24 hours, with one decimal.
        risks, troubles: the first ones; the counts are of all that were found.
        stale_prices: lanes in use whose price was read too long ago.
    """

    now: datetime
    queue: Queue
    oldest_due: timedelta | None
    oldest_webhook: timedelta | None
    items_per_minute: str
    throughput: Chart
    failures: tuple[Failure, ...]
    risks: tuple[Risk, ...]
    risk_count: int
    troubles: tuple[LaneTrouble, ...]
    trouble_count: int
    stale_prices: int
    endings: tuple[Ending, ...]
    money: Money | None


def show_dashboard(*, now: datetime, with_money: bool) -> Dashboard:
    """Read everything; a fixed number of queries, whatever there is.

    Args:
        now: the instant.
        with_money: the operator may see the books.
    """
    queue = figures.queue(now=now)
    hours = figures.throughput(now=now)
    risks = figures.risks(now=now)
    lanes = list(_offerings(now))
    troubles = _troubles(lanes, now)
    return Dashboard(
        now=now,
        queue=queue,
        oldest_due=_age(queue.oldest_due_at, now),
        oldest_webhook=_age(queue.oldest_webhook_at, now),
        items_per_minute=_per_minute(hours, now),
        throughput=_throughput(hours),
        failures=tuple(_failure(row) for row in figures.failures(now=now)),
        risks=risks[:SHOWN],
        risk_count=len(risks),
        troubles=tuple(troubles[:SHOWN]),
        trouble_count=len(troubles),
        stale_prices=_stale(lanes, now),
        endings=tuple(_endings(lanes, now)),
        money=_money(now) if with_money else None,
    )


def _age(since: datetime | None, now: datetime) -> timedelta | None:
    return None if since is None else max(now - since, timedelta())


def _per_minute(hours: Sequence[Hour], now: datetime) -> str:
    minutes = max(int((now - hours[0].at).total_seconds()) // 60, 1)
    tenths = 10 * sum(hour.items for hour in hours) // minutes
    return f"{tenths // 10:,}.{tenths % 10}"


def _throughput(hours: Sequence[Hour]) -> Chart:
    return bar_chart(
        "throughput",
        title="Items answered per hour",
        x_title="Hour (UTC)",
        x=tuple(f"{hour.at:%H:%M}" for hour in hours),
        series=(Series("Items", tuple(hour.items for hour in hours)),),
        write="{:,}".format,
    )


def _failure(row: LaneFailure) -> Failure:
    return Failure(
        row.offering_id, row.lane, row.kind, sentence(row.kind) or row.kind, row.tries
    )


def _offerings(now: datetime) -> QuerySet[Offering]:
    """Return the connected lanes with their health and the age of their price."""
    connected = Offering.objects.exclude(adapter="")
    aged = ageing.with_price_age(connected, now=now)
    return aged.select_related("provider", "health").order_by("pk")


def _troubles(lanes: Iterable[Offering], now: datetime) -> list[LaneTrouble]:
    """Return the lanes that take no work; those that come back by themselves first."""
    found = []
    for lane in lanes:
        state = lane_state(lane, now=now)
        badge, word = lane_word(lane, state)
        if badge != "ok":
            until = state.resting_until or state.paused_until
            found.append(LaneTrouble(lane.pk, lane_name(lane), badge, word, until))
    return sorted(found, key=lambda lane: (lane.until is None, lane.pk))


def _is_used(lane: Offering) -> bool:
    provider = lane.provider
    return lane.enabled and provider.enabled and not provider.is_sanctioned


def _stale(lanes: Iterable[Offering], now: datetime) -> int:
    fresh = ageing.oldest_fresh_day(now)
    days = (getattr(lane, "price_as_of", None) for lane in lanes if _is_used(lane))
    return sum(day is not None and day < fresh for day in days)


def _endings(lanes: Iterable[Offering], now: datetime) -> list[Ending]:
    until = ageing.notice_until(now)
    found = [
        Ending(lane.pk, lane_name(lane), lane.deprecates_at)
        for lane in lanes
        if _is_used(lane)
        and lane.deprecates_at is not None
        and now < lane.deprecates_at <= until
    ]
    return sorted(found, key=lambda lane: (lane.ends_at, lane.pk))[:SHOWN]


def _money(now: datetime) -> Money:
    days = figures.settled_days(now=now)
    waiting = OperatorRequest.objects.filter(state=OperationState.REQUESTED)
    asked = list(waiting.select_related("org").order_by("pk")[: SHOWN + 1])
    return Money(
        margins=(
            _sum("Today", days[-1:]),
            _sum("Yesterday", days[-2:-1]),
            _sum("30 days", days),
        ),
        chart=_margin_chart(days),
        asked=tuple(_asked(row) for row in asked[:SHOWN]),
        has_more_asked=len(asked) > SHOWN,
        books=_books(ReconcileRun.objects.order_by("-started_at").first(), now),
    )


def _sum(name: str, days: Iterable[SettledMoney]) -> Margin:
    pairs = [(day.charged_nanousd, day.cost_nanousd) for day in days]
    return Margin(
        name, sum(charged for charged, _ in pairs), sum(cost for _, cost in pairs)
    )


def _margin_chart(days: Sequence[SettledMoney]) -> Chart:
    return line_chart(
        "margin",
        title="Charged and cost per day",
        x_title="Day (UTC)",
        x=tuple(f"{day.day.day} {day.day:%b}" for day in days),
        series=(
            Series("Charged", tuple(day.charged_nanousd for day in days)),
            Series("Provider cost", tuple(day.cost_nanousd for day in days)),
        ),
        write=dollars,
    )


def _asked(row: OperatorRequest) -> Asked:
    return Asked(
        pk=row.pk,
        public_id=row.public_id,
        kind=row.get_kind_display(),
        whose=row.provider if row.org is None else row.org.name,
        amount_nanousd=row.amount_nanousd,
        maker=row.maker.removeprefix("operator:"),
        created_at=row.created_at,
    )


def _books(run: ReconcileRun | None, now: datetime) -> Books:
    if run is None:
        return Books("warn", "never proved", None, ())
    failed = tuple(result["code"] for result in run.results if not result["ok"])
    if failed:
        return Books("bad", "a proof failed", run.started_at, failed)
    if run.started_at < now - _PROOFS_LATE:
        return Books("warn", "proofs are late", run.started_at, ())
    return Books("ok", "proved", run.started_at, ())
