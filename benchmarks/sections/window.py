"""The direct engine with a full window, beside the least that could send the same."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import figures, items, mock, places, rivals
from benchmarks.figures import count, mebibytes, percent, times
from benchmarks.mock import Mock
from benchmarks.plan import Plan
from benchmarks.product import Product, ground
from benchmarks.report import Section, Table, Target
from benchmarks.sections.direct import MODEL
from devtools.say import say

NAME = "window"
WINDOW = 512
LATENCY_MS = 50
_ITEMS = 20_000
_YARDSTICK = "aiohttp"
_WANTED = 0.8
_THEIRS = "window.jsonl"


@dataclass(frozen=True)
class _Round:
    """One turn of the bare loop and one of ours.

    Attributes:
        engine: items a second from the first unit claimed to the last one ended.
        whole: items a second from the batch's creation to its end.
    """

    bare: float
    bare_cpu_us: float
    engine: float
    whole: float
    direct_cpu_us: float
    over_idle_bytes: int
    others_share: float

    @property
    def ratio(self) -> float:
        """The engine's speed by the bare loop's."""
        return self.engine / self.bare


def measure(plan: Plan) -> Section:
    """Let the bare loop and one direct worker take turns with the same window."""
    rivals.install()
    section = Section(NAME, "Direct engine, a full window")
    number = plan.items(_ITEMS)
    with (
        mock.running() as provider,
        ground(
            providers_url=provider.base_url,
            broker=plan.broker,
            settings={"DIRECT_WINDOW": str(WINDOW)},
        ) as base,
        base.up(processes={"direct": 1}) as product,
    ):
        ours = items.write(
            places.ITEMS / "window.ndjson",
            count=number,
            shape=items.product_shape(MODEL),
        )
        items.write(places.ITEMS / _THEIRS, count=number, shape=items.openai_shape)
        product.warm_up(MODEL)
        file_id = str(product.api.upload(ours)["id"])
        rounds = []
        for turn in range(plan.runs):
            say(f"window: round {turn + 1} of {plan.runs} ...")
            rounds.append(_one_round(product, provider, file_id, number, section))
    section.database = base.database.title
    kept = figures.quiet(rounds, lambda found: found.others_share)
    _add_results(section, number, kept)
    section.note = (
        f"One direct worker process with DIRECT_WINDOW={WINDOW}, and one process of "
        f"the bare loop with {WINDOW} calls in flight, in turn on the same mock "
        f"provider that takes {LATENCY_MS} ms an answer; medians of {plan.runs} "
        "rounds, ratios of each round. The engine's time goes from its first claim to "
        "the end of its last unit: reading items, calls, checks, rows on disk and in "
        "the index, costs booked. The whole adds quote, reservation, dispatch, "
        "settlement, receipts and artifacts. Every result was checked."
    )
    return section


def _one_round(
    product: Product, provider: Mock, file_id: str, number: int, section: Section
) -> _Round:
    sent = rivals.send(
        _YARDSTICK,
        places.ITEMS / _THEIRS,
        number,
        provider,
        latency_ms=LATENCY_MS,
        window=WINDOW,
    )
    product.database.settle_down()
    provider.reset(latency_ms=LATENCY_MS)
    run = product.run(file_id, number)
    posts = provider.posts()
    section.faults += sent.faults + product.row_faults(run)
    if posts != number:
        section.faults.append(f"{posts} requests for {number} items")
    return _Round(
        bare=number / sent.wall_seconds,
        bare_cpu_us=sent.cpu_seconds / number * 1e6,
        engine=number / product.database.engine_seconds(run.batch_id),
        whole=number / run.spent.wall_seconds,
        direct_cpu_us=run.spent.cpu_seconds["direct"] / number * 1e6,
        over_idle_bytes=run.over_idle_bytes["direct"],
        others_share=max(sent.others_share, run.spent.others_share),
    )


def _add_results(section: Section, number: int, rounds: Sequence[_Round]) -> None:
    def middle(name: str) -> float:
        return figures.median(getattr(found, name) for found in rounds)

    ratio = middle("ratio")
    whole = figures.median(found.whole / found.bare for found in rounds)
    columns = [f"{LATENCY_MS} ms, {WINDOW} in flight", "items", "items/s"]
    columns += ["of aiohttp", "CPU µs/item", "MiB over idle", "others' CPU"]
    others = percent(middle("others_share"))
    grown = mebibytes(max(found.over_idle_bytes for found in rounds))
    cpu = count(middle("direct_cpu_us"))
    section.tables = [
        Table(
            columns,
            [
                [
                    "**direct engine**, first claim to last unit ended",
                    count(number),
                    count(middle("engine")),
                    times(ratio),
                    cpu,
                    grown,
                    others,
                ],
                [
                    "BatchRouter, batch created to completed",
                    count(number),
                    count(middle("whole")),
                    times(whole),
                    "",
                    "",
                    others,
                ],
                [
                    "aiohttp, bare loop",
                    count(number),
                    count(middle("bare")),
                    times(1.0),
                    count(middle("bare_cpu_us")),
                    "",
                    others,
                ],
            ],
        )
    ]
    section.targets = [
        Target(
            f"the engine, of the bare aiohttp loop, {LATENCY_MS} ms and {WINDOW}",
            f"at least {_WANTED:.2f} x",
            times(ratio),
            ratio >= _WANTED,
        )
    ]
