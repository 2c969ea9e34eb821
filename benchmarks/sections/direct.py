"""A whole batch on a direct lane, beside the least that could send the same items."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import figures, items, mock, places, rivals
from benchmarks.figures import count, mebibytes, percent, times
from benchmarks.machine import MEBIBYTE
from benchmarks.mock import Mock
from benchmarks.plan import Plan
from benchmarks.product import BatchRun, Ground, Product, ground
from benchmarks.report import Section, Table, Target
from devtools.say import say

NAME = "direct"
# Sold on a direct lane only, so nothing is ever sent to a batch API.
MODEL = "deepseek-flash"
WINDOW = 256
_ITEMS = 10_000
# The SDKs are so slow that more items only take longer.
_FEW_ITEMS = 1_000
_LATENCIES_MS = (0, 50)
_PRODUCT, _YARDSTICK, _ROUTER = "product", "aiohttp", "litellm"
_SHOWN = {
    _PRODUCT: "**BatchRouter**, batch created to completed",
    _YARDSTICK: "aiohttp, bare loop",
    "libcurl": "libcurl multi, bare loop",
    _ROUTER: "LiteLLM Router",
    "openai": "openai, the official client",
}


@dataclass(frozen=True)
class _Turn:
    """One contender in one round."""

    items_per_second: float
    cpu_us: float
    database_us: float | None
    over_idle_bytes: int
    others_share: float


_Round = dict[str, _Turn]


@dataclass(frozen=True)
class _Course:
    """What every round needs."""

    product: Product
    mock: Mock
    file_id: str
    count: int
    few: int
    faults: list[str]


def measure(plan: Plan) -> Section:
    """Run all contenders in turn, several times over, at each latency."""
    rivals.install()
    section = Section(NAME, "Direct lane, end to end")
    with (
        mock.running() as provider,
        ground(providers_url=provider.base_url, broker=plan.broker) as base,
        base.up() as product,
    ):
        course = _prepare(plan, base, product, provider, section)
        for latency_ms in _LATENCIES_MS:
            rounds = []
            for number in range(plan.runs):
                say(f"direct, {latency_ms} ms: round {number + 1} of {plan.runs} ...")
                rounds.append(_one_round(course, latency_ms))
            _add_results(section, course, latency_ms, rounds)
    section.database = base.database.title
    section.note = _note(plan, course)
    return section


def _prepare(
    plan: Plan, base: Ground, product: Product, provider: Mock, section: Section
) -> _Course:
    number, few = plan.items(_ITEMS), plan.items(_FEW_ITEMS)
    folder = places.ITEMS
    shape = items.product_shape(MODEL)
    ours = items.write(folder / "product.ndjson", count=number, shape=shape)
    items.write(folder / "many.jsonl", count=number, shape=items.openai_shape)
    items.write(folder / "few.jsonl", count=few, shape=items.openai_shape)
    product.warm_up(MODEL)
    file_id = str(product.api.upload(ours)["id"])
    return _Course(product, provider, file_id, number, few, section.faults)


def _one_round(course: _Course, latency_ms: int) -> _Round:
    found = {
        client: _send(course, client, latency_ms)
        for client in (_YARDSTICK, "libcurl", _ROUTER, "openai")
    }
    course.product.database.settle_down()
    course.mock.reset(latency_ms=latency_ms)
    run = course.product.run(course.file_id, course.count)
    posts = course.mock.posts()
    faults = course.product.row_faults(run)
    if posts != course.count:
        faults.append(f"{posts} requests for {course.count} items")
    course.faults.extend(f"product, {latency_ms} ms: {it}" for it in faults)
    found[_PRODUCT] = _product_turn(course, run)
    return found


def _send(course: _Course, client: str, latency_ms: int) -> _Turn:
    is_slow = client in {_ROUTER, "openai"}
    number = course.few if is_slow else course.count
    sent = rivals.send(
        client,
        places.ITEMS / ("few.jsonl" if is_slow else "many.jsonl"),
        number,
        course.mock,
        latency_ms=latency_ms,
        window=WINDOW,
    )
    course.faults.extend(f"{client}, {latency_ms} ms: {it}" for it in sent.faults)
    return _Turn(
        items_per_second=number / sent.wall_seconds,
        cpu_us=sent.cpu_seconds / number * 1e6,
        database_us=None,
        over_idle_bytes=sent.over_idle_bytes,
        others_share=sent.others_share,
    )


def _product_turn(course: _Course, run: BatchRun) -> _Turn:
    is_here = bool(course.product.database.roots)
    database_us = run.spent.cpu_seconds["database"] / run.items * 1e6
    return _Turn(
        items_per_second=run.items / run.spent.wall_seconds,
        cpu_us=run.our_cpu_seconds / run.items * 1e6,
        database_us=database_us if is_here else None,
        over_idle_bytes=max(run.over_idle_bytes.values()),
        others_share=run.spent.others_share,
    )


def _add_results(
    section: Section, course: _Course, latency_ms: int, rounds: list[_Round]
) -> None:
    kept = figures.quiet(rounds, _others_share)
    ratio_to = {
        rival: figures.median(_ratios(kept, _PRODUCT, rival))
        for rival in (_YARDSTICK, _ROUTER)
    }
    section.tables.append(_table(course, latency_ms, kept))
    growth = max(turns[_PRODUCT].over_idle_bytes for turns in rounds)
    section.targets += [
        Target(
            f"of the bare aiohttp loop, {latency_ms} ms",
            "at least 0.80 x",
            times(ratio_to[_YARDSTICK]),
            ratio_to[_YARDSTICK] >= 0.8,
        ),
        Target(
            f"of LiteLLM Router, {latency_ms} ms",
            "at least 20 x",
            times(ratio_to[_ROUTER]),
            ratio_to[_ROUTER] >= 20,
        ),
        Target(
            f"memory of any process over idle, {latency_ms} ms",
            "at most 64 MiB",
            f"{mebibytes(growth)} MiB",
            growth <= 64 * MEBIBYTE,
        ),
    ]


def _others_share(turns: _Round) -> float:
    return max(turns[name].others_share for name in (_PRODUCT, _YARDSTICK, _ROUTER))


def _ratios(rounds: Sequence[_Round], of: str, to: str) -> list[float]:
    return [turns[of].items_per_second / turns[to].items_per_second for turns in rounds]


def _table(course: _Course, latency_ms: int, rounds: Sequence[_Round]) -> Table:
    by_name: dict[str, list[_Turn]] = defaultdict(list)
    for one_round in rounds:
        for name, turn in one_round.items():
            by_name[name].append(turn)
    columns = [
        f"{latency_ms} ms, {WINDOW} in flight",
        "items",
        "items/s",
        "CPU µs/item",
        "PostgreSQL µs/item",
        "MiB over idle",
        "of aiohttp",
        "of LiteLLM",
        "others' CPU",
    ]
    rows = []
    for name, shown in _SHOWN.items():
        turns = by_name[name]
        database = [turn.database_us for turn in turns if turn.database_us is not None]
        number = course.few if name in {_ROUTER, "openai"} else course.count
        rows.append(
            [
                shown,
                count(number),
                count(figures.median(turn.items_per_second for turn in turns)),
                count(figures.median(turn.cpu_us for turn in turns)),
                count(figures.median(database)) if database else "",
                mebibytes(max(turn.over_idle_bytes for turn in turns)),
                times(figures.median(_ratios(rounds, name, _YARDSTICK))),
                times(figures.median(_ratios(rounds, name, _ROUTER))),
                percent(figures.median(turn.others_share for turn in turns)),
            ]
        )
    return Table(columns, rows)


def _note(plan: Plan, course: _Course) -> str:
    return (
        f"Medians of {plan.runs} rounds; in each round every contender has its turn "
        "on the same mock provider, and a ratio is the median of the rounds' own "
        "ratios. Rounds in which other programs took more than a fifth of the "
        "machine are set aside where three quiet ones remain. The other clients read "
        f"a file and write result lines; ours takes {course.count:,} uploaded items "
        "from `POST /v1/batches` (quote, reservation, dispatch, calls, rows, "
        "settlement, receipts, artifacts) to `completed`, with the web server, two "
        "control processes, one direct worker and the scheduler all counted. Memory "
        "is the worst process of the worst round. Every result file was checked: "
        "each item once, with its own echo, and as many requests as items."
    )
