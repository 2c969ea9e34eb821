"""5,000 items in three operations over seven providers, and a script of their faults.

Used by the flow tests and by the campaign ``proofs.lane_faults``: both make the same
batch and hold it to the same promises.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.support.product import Product
from tests.support.simulator import SimulatorProcess

Json = dict[str, Any]

# A picture of one pixel.
_PICTURE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk"
    "+A8AAQUBAScY42YAAAAASUVORK5CYII="
)
# In groups that are marked, one of so many items is lost by its job, and one doubled.
_MARKED_EVERY = 40


@dataclass(frozen=True)
class Group:
    """Items that travel together.

    Attributes:
        models: acceptable ones, best liked first.
        is_marked: some of its rows are lost or doubled by its provider's job.
    """

    name: str
    count: int
    operation: str
    models: tuple[str, ...]
    is_marked: bool = False

    def items(self) -> Iterator[Json]:
        """Yield the group's items."""
        for number in range(self.count):
            text = f"Note {self.name}-{number}: the order was late."
            if self.is_marked:
                text += _marker(number)
            yield {
                "customer_item_id": f"{self.name}-{number}",
                "operation": self.operation,
                "model": self.models[0],
                "model_options": list(self.models),
                "input": self._input(text),
            }

    def _input(self, text: str) -> Json:
        if self.operation == "embeddings":
            return {"input": text}
        given: Any = text
        if self.operation == "vision":
            parts = [
                {"type": "input_text", "text": text},
                {"type": "input_image", "image_url": _PICTURE},
            ]
            given = [{"role": "user", "content": parts}]
        return {"input": given, "max_output_tokens": 32}


def _marker(number: int) -> str:
    """Return what the simulator is to do with an item's row of a job, once."""
    if number % _MARKED_EVERY == 7:
        return " [[sim:missing:1]]"
    return " [[sim:duplicate:1]]" if number % _MARKED_EVERY == 9 else ""


QWEN = "Qwen/Qwen3.7-Plus"
GROUPS = (
    Group("expires", 1200, "responses", ("gpt-5.4-mini",)),
    Group("loses", 800, "responses", ("claude-haiku-4-5",), is_marked=True),
    Group("down", 800, "responses", (QWEN,)),
    Group("dies", 1000, "responses", ("deepseek-flash", QWEN)),
    Group("vectors", 700, "embeddings", ("mistral-embed",), is_marked=True),
    Group("pictures", 500, "vision", ("gemini-2.5-flash",), is_marked=True),
)
ITEMS = sum(group.count for group in GROUPS)
OPERATIONS = {"responses", "embeddings", "vision"}
# The providers that answer; Fireworks is down.
ANSWERING = {"anthropic", "deepseek", "gemini", "mistral", "openai", "together"}
# Of DeepSeek's calls, those before it dies.
DEEPSEEK_LIVES_FOR = 500

# Rows that each job's provider runs, and so would bill.
RUN_BY_JOBS = {"anthropic": 800, "gemini": 500, "mistral": 700, "openai": 600}

# The lane that items left, and the lane they went to.
Move = tuple[str, str]
MOVED: dict[Move, int] = {
    ("openai:batch", "openai:direct"): 600,
    ("anthropic:batch", "anthropic:direct"): 20,
    ("fireworks:batch", "together:direct"): 800,
    ("deepseek:direct", "together:direct"): 500,
    ("mistral:batch", "mistral:direct"): 18,
    ("gemini:batch", "gemini:direct"): 13,
}
# Why. What keeps failing is also left because its breaker has opened.
_DOWN = {"provider_overloaded", "breaker_open"}
CAUSES: dict[Move, set[str]] = {
    ("openai:batch", "openai:direct"): {"provider_job_expired"},
    ("anthropic:batch", "anthropic:direct"): {"missing_from_provider"},
    ("fireworks:batch", "together:direct"): _DOWN,
    ("deepseek:direct", "together:direct"): _DOWN,
    ("mistral:batch", "mistral:direct"): {"missing_from_provider"},
    ("gemini:batch", "gemini:direct"): {"missing_from_provider"},
}

_SCRIPT: list[Json] = [
    # Down from the start.
    {"match": {"provider": "fireworks"}, "fault": {"kind": "503"}},
    # Dies half-way.
    {
        "match": {"provider": "deepseek", "path": "chat"},
        "fault": {"kind": "503"},
        "after": DEEPSEEK_LIVES_FOR,
    },
    # A storm of limits, where both of them seek shelter.
    {
        "match": {"provider": "together", "path": "chat"},
        "fault": {"kind": "429", "retry_after": 1},
        "every": 5,
        "times": 40,
    },
    # A job that expires after half of its lines.
    {
        "match": {"provider": "openai", "path": "batch"},
        "fault": {"kind": "expire", "fraction": 0.5},
        "times": 1,
    },
    # A job that is taken without an answer, to be found by our reference.
    {
        "match": {"provider": "mistral", "path": "batch"},
        "fault": {"kind": "create_reset_after"},
        "times": 1,
    },
]


def items() -> list[Json]:
    """Return all items, group by group."""
    return [item for group in GROUPS for item in group.items()]


def script_faults(simulator: SimulatorProcess) -> None:
    """Tell the simulator what goes wrong."""
    for rule in _SCRIPT:
        simulator.post_fault(rule)


@dataclass(frozen=True)
class Outcome:
    """What became of the batch, as its customer reads it, and what was paid for.

    Attributes:
        paid_by_jobs: rows that each provider ran in jobs.
        paid_twice: references of ours that were run more than once in a job.
    """

    batch: Json
    rows: list[Json]
    route: Json
    billing: Json
    paid_by_jobs: dict[str, int]
    paid_twice: list[str]
    reconciled: str

    @property
    def moved(self) -> dict[Move, int]:
        """Items by the lane that they left and the lane they went to."""
        found: Counter[Move] = Counter()
        for change in self.route["lane_changes"]:
            found[_move(change)] += sum(change["causes"].values())
        return dict(found)

    @property
    def causes(self) -> dict[Move, set[str]]:
        """Why they left, by the same lanes."""
        found: dict[Move, set[str]] = defaultdict(set)
        for change in self.route["lane_changes"]:
            found[_move(change)] |= change["causes"].keys()
        return dict(found)

    def strange_moves(self) -> list[Move]:
        """Return the changes of lane that are not in the script, or for no such cause.

        Those of the script that did not come are among them.
        """
        told = self.causes
        return sorted(
            move
            for move in told.keys() | CAUSES.keys()
            if not told.get(move) or not told[move] <= CAUSES.get(move, set())
        )

    @property
    def failures(self) -> Counter[str]:
        """Rows without an answer, by their error's code."""
        return Counter(row["error"]["code"] for row in self.rows if row["error"])

    def unexplained(self) -> list[str]:
        """Return the units that were tried on a lane which no change led to."""
        led_to = {
            f"{change['to_provider']}:{change['to_mode']}"
            for change in self.route["lane_changes"]
        }
        first = {
            decision["group_no"]: decision["fallback_order"][0]
            for decision in self.route["decisions"]
        }
        return [
            unit["work_unit_id"]
            for unit in self.route["work_units"]
            for attempt in unit["attempts"]
            if (lane := f"{attempt['provider']}:{attempt['mode']}") not in led_to
            and lane != "{provider}:{mode}".format(**first[unit["group_no"]])
        ]

    def ended_in_time(self) -> bool:
        """Tell whether the batch ended before its deadline."""
        ended_at, due = self.batch["completed_at"], self.batch["deadline_at"]
        return datetime.fromisoformat(ended_at) < datetime.fromisoformat(due)


def _move(change: Json) -> Move:
    return (
        f"{change['from_provider']}:{change['from_mode']}",
        f"{change['to_provider']}:{change['to_mode']}",
    )


def outcome_of(product: Product, batch_id: str) -> Outcome:
    """Read everything about an ended batch."""
    _, batch = product.call(f"/v1/batches/{batch_id}")
    _, route = product.call(f"/v1/batches/{batch_id}/route-receipt")
    _, billing = product.call(f"/v1/batches/{batch_id}/billing-receipt")
    jobs = {
        attempt["execution_id"]
        for unit in route["receipt"]["work_units"]
        for attempt in unit["attempts"]
        if attempt["mode"] == "batch"
    }
    paid: Counter[str] = Counter()
    for call in product.simulator.stats()["calls"]:
        if call["mode"] == "batch":
            paid[call["provider"]] += call["accepted"]
    return Outcome(
        batch=batch,
        rows=product.rows(batch_id),
        route=route["receipt"],
        billing=billing["receipt"],
        paid_by_jobs=dict(paid),
        paid_twice=[
            ref
            for ref, times in product.simulator.accepted("pexec_").items()
            if times > 1 and ref.rpartition("-")[0] in jobs
        ],
        reconciled=product.manage("ledger_reconcile"),
    )
