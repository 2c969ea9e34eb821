"""The values that cross routing's borders: what is asked, judged, sent and answered.

No framework here and no database rows: scoring can be replayed from stored values,
and adapters run in any process.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Protocol

from catalog.pricing import Price
from routing.failures import Failure
from routing.queueing import NO_LIMITS, QueueLimits

Mode = Literal["batch", "direct"]
Operation = Literal["responses", "embeddings", "vision"]
EVERY_OPERATION: Final[tuple[Operation, ...]] = ("responses", "vision", "embeddings")


@dataclass(frozen=True, slots=True)
class Preferences:
    """A customer's wishes about providers (the manifest's ``provider_preferences``)."""

    only: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    allow_fallbacks: bool = True
    max_latency_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class UnitRequest:
    """What a work unit needs, without its text.

    Attributes:
        models: acceptable model slugs, best liked first.
        input_tokens, input_tokens_max: o200k counts, summed and of the largest item.
        output_tokens, output_tokens_max: caps, summed and of the largest item.
        payload_bytes, payload_bytes_max: size of the items' lines, summed and of the
            largest; 0 where the largest was not noted.
    """

    operation: Operation
    models: tuple[str, ...]
    item_count: int
    input_tokens: int
    input_tokens_max: int
    output_tokens: int
    output_tokens_max: int
    payload_bytes: int
    needs_vision: bool
    needs_schema: bool
    needs_tools: bool
    privacy_tier: str
    allowed_regions: tuple[str, ...]
    routing_mode: str
    preferences: Preferences
    deadline_at: datetime
    sandbox_only: bool = False
    workload_key: str = ""
    payload_bytes_max: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """What one source found of an offering's answers, older ones counting less.

    Attributes:
        is_own: of answers to the customer who asks; else of all others together, each
            bounded, so that no single one decides for everybody.
        is_same_work: of the kind of work that is asked for.
        passed, repaired, failed: decayed counts of answers.
    """

    source: Literal["verification", "feedback", "rating", "golden"]
    is_own: bool
    is_same_work: bool
    passed: float
    repaired: float
    failed: float


@dataclass(frozen=True, slots=True)
class Drift:
    """An offering that answers worse than it used to (routing/drift.py).

    Attributes:
        source: what found it, as in :class:`Finding`.
        since: the day, ISO 8601, that it seems to have begun.
        failing_before, failing_now: shares of answers, 0 to below 1.
    """

    source: str
    since: str
    failing_before: float
    failing_now: float


@dataclass(frozen=True, slots=True)
class OfferingFacts:
    """An offering and all that is known of it at one instant.

    Attributes:
        regions: where the provider processes it: ``global``, ``eu``, ``us``.
        privacy_tiers: the tiers that the provider's terms allow.
        token_factor_bps: the provider's tokens per o200k token, times 10,000.
        message_overhead_tokens: added per item, for role marks and the like.
        is_connected: a credential or the sandbox stands behind it.
        is_sandbox: answers come from the simulator.
        reliability_prior: share of calls expected to succeed, before we have seen any.
        quality: 0 to 1.
        latency_ms: typical of one direct call.
        batch_seconds: typical of one native job.
        items_per_second: throughput to expect of a direct lane.
        observed_successes, observed_failures: decayed outcomes of the last 14 days.
        breaker_open_until: no new work before this instant.
        capacity_items: how many items it takes now; None is no limit.
        job_bytes_max, job_tokens_max: of one native job's input; None is no limit.
        queue_tokens_max: what may wait in its jobs at once; None is no limit.
        queued_tokens: what waits there now.
        findings: what is known of its answers.
        drift: set while it answers worse than it used to.
    """

    offering_id: int
    provider: str
    provider_name: str
    model: str
    provider_model: str
    mode: Mode
    adapter: str
    operations: tuple[str, ...]
    regions: tuple[str, ...]
    privacy_tiers: tuple[str, ...]
    context_window: int
    max_output_tokens: int
    supports_vision: bool
    supports_schema: bool
    supports_tools: bool
    supports_sampling: bool
    token_factor_bps: int
    message_overhead_tokens: int
    price: Price
    is_enabled: bool
    is_connected: bool
    is_sandbox: bool
    is_sanctioned: bool
    deprecates_at: datetime | None
    reliability_prior: float
    quality: float
    latency_ms: int
    batch_seconds: int
    items_per_second: float
    observed_successes: float = 0.0
    observed_failures: float = 0.0
    breaker_open_until: datetime | None = None
    capacity_items: int | None = None
    job_bytes_max: int | None = None
    job_tokens_max: int | None = None
    queue_tokens_max: int | None = None
    queued_tokens: int = 0
    findings: tuple[Finding, ...] = ()
    drift: Drift | None = None


@dataclass(frozen=True, slots=True)
class LaneScore:
    """The parts of a lane's score, each 0 to 1 and higher is better.

    Attributes:
        quality_prior_score: the offering's quality before anything was found.
        factors: what was found and lowers quality and trust (routing/quality.py).
    """

    reliability: float
    cost: float
    latency: float
    quality: float
    total: float
    reliability_prior_score: float
    observed_confidence_score: float | None
    observed_confidence_basis: Literal["routing_outcomes", "none"]
    trust_score: float
    quality_prior_score: float | None = None
    factors: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lane:
    """An offering judged for one work unit.

    Attributes:
        rank: 1 is best among the eligible; None when refused.
        ceiling_nanousd: provider subtotal at most, every item at its caps.
        expected_nanousd: provider subtotal that is likely.
        finish_seconds: estimate from now to the last row.
        rejection_code: a stable word, None when eligible.
        reason: a sentence for the customer.
    """

    offering: OfferingFacts
    rank: int | None
    ceiling_nanousd: int
    expected_nanousd: int
    finish_seconds: int
    score: LaneScore
    rejection_code: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a plan: use this lane until this instant, then hand on.

    Attributes:
        leave_at: unfinished items move to the next stage then.
    """

    offering_id: int
    provider: str
    model: str
    mode: Mode
    leave_at: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """The stages of a work unit, in order; the last one leaves at the deadline."""

    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a provider is reached, and as whom.

    Attributes:
        base_url: without a slash at its end; the key never goes to another host.
        options: what only this provider has a word for, such as its API's version;
            the adapter names those that it reads.
    """

    provider: str
    base_url: str
    api_key: str = field(repr=False)
    is_sandbox: bool
    options: Mapping[str, str] = field(default_factory=dict)


class ItemRequest(NamedTuple):
    """One item to encode for one provider.

    Attributes:
        ref: our opaque reference, ``[A-Za-z0-9_-]{1,64}``; the customer's own id
            never leaves us.
        input: the item's ``input`` as accepted by the manifest.
        max_output_tokens: the cap that the ceiling was computed from; None for
            embeddings.
    """

    ref: str
    operation: Operation
    provider_model: str
    input: Mapping[str, Any]
    max_output_tokens: int | None
    supports_sampling: bool = True


class WireRequest(NamedTuple):
    """One HTTP request, ready to send."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Usage(NamedTuple):
    """Tokens as billed: input includes cached and written, output includes reasoning.

    Attributes:
        cached_tokens: of the input, read from the provider's cache.
        cache_write_tokens: of the input, written to it; priced as input, because no
            price of ours has a rate of its own for it and we ask for no caching.
    """

    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cache_write_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Output:
    """A row's output in one shape for all providers."""

    text: str | None
    finish_reason: str
    embedding: list[float] | list[list[float]] | None = None
    tool_calls: list[dict[str, Any]] | None = None
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one attempt: an output, or a failure.

    Attributes:
        usage: None where the provider said nothing that can be believed.
        provider_model: the model name in the reply.
        raw: the provider's own JSON, as received; None where there is none.
        provider_status: the HTTP status of the reply or of the result line.
    """

    output: Output | None
    usage: Usage | None
    provider_model: str | None
    raw: bytes | None
    failure: Failure | None
    provider_status: int | None


class DirectAdapter(Protocol):
    """Answer one item by one call. Pure: bytes in, bytes out.

    Attributes:
        operations: what can be asked of it; other items are never given to it.
    """

    operations: tuple[Operation, ...]

    def encode(self, item: ItemRequest, connection: Connection) -> WireRequest: ...

    def decode(
        self,
        operation: Operation,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
    ) -> Answer: ...

    def dropped_fields(
        self, item: ItemRequest, connection: Connection
    ) -> tuple[str, ...]:
        """Name the fields of the item's input that this provider is not sent."""
        ...


@dataclass(frozen=True, slots=True)
class JobLimits:
    """What one provider job may hold; ``source`` names the page and its date.

    Attributes:
        tokens_max: of input, over all requests; None where none is published.
        queue: what may wait at once in jobs that have not ended.
    """

    requests_max: int
    bytes_max: int
    source: str
    tokens_max: int | None = None
    queue: QueueLimits = NO_LIMITS


JobPhase = Literal["submitted", "running", "collecting", "canceling", "ended"]


@dataclass(frozen=True, slots=True)
class JobState:
    """A provider job as last polled.

    Attributes:
        ended_as: ``ok``, ``failed``, ``expired`` or ``canceled`` once ended;
            ``turned_away`` where it was taken and then not run for want of room.
        result_files: provider file ids that hold rows; both outputs and errors.
        message: the provider's reason for a failure, capped.
    """

    phase: JobPhase
    ended_as: str | None
    total: int
    completed: int
    failed: int
    result_files: tuple[str, ...]
    message: str | None = None


@dataclass(frozen=True, slots=True)
class JobOrder:
    """One job to be made at a provider, or to be found there again.

    Attributes:
        provider_model: of every line; the job's own model where it has one.
        client_ref: our reference, ``[A-Za-z0-9_-]{1,48}``. It goes into whatever the
            provider lets us tag; every line's own reference begins with it.
        item_count: lines in the input file.
        sent_at: the earliest instant at which the job can have been made.
    """

    operation: Operation
    provider_model: str
    client_ref: str
    item_count: int
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class OtherOrders:
    """What is known of the other orders at a provider, at one instant.

    Attributes:
        job_ids: the jobs that are theirs.
        has_twin: one of this order's size has no known job either, so that an
            untagged job of this size could be either one's.
    """

    job_ids: frozenset[str]
    has_twin: bool


# Called right before the request that creates a job; raises when the caller lost its
# right to send it, and then nothing may be sent.
Fence = Callable[[], None]

# An adapter of a provider without tags asks this after it has read the list of jobs:
# every job in the list has by then its order written down.
AskOthers = Callable[[], OtherOrders]


class JobAdapter(Protocol):
    """Run many items as one provider job.

    Attributes:
        operations: what its jobs may hold; other items are never given to it.
    """

    operations: tuple[Operation, ...]
    limits: JobLimits

    def encode_line(self, item: ItemRequest, connection: Connection) -> bytes:
        """Return one line of the input file, with its newline."""
        ...

    def submit(
        self,
        connection: Connection,
        input_file: Path,
        order: JobOrder,
        *,
        fence: Fence,
    ) -> str:
        """Upload the file, create the job, return the provider's job id.

        The file holds lines of :meth:`encode_line`. ``fence`` is called right before
        the request that creates the job; what it raises passes through.

        Raises:
            JobRefused: the provider said no before taking the job.
            JobOutcomeUnknown: the job may or may not exist; call :meth:`find`.
        """
        ...

    def find(
        self, connection: Connection, order: JobOrder, *, others: AskOthers
    ) -> str | None:
        """Return the id of the job that was made for this order, if there is one.

        ``others`` tells whose the other jobs are, for providers without tags.

        Raises:
            JobOutcomeUnknown: the provider could not be asked now.
        """
        ...

    def poll(self, connection: Connection, job_id: str) -> JobState:
        """Return the job's state.

        Raises:
            JobOutcomeUnknown: the provider could not be asked now.
        """
        ...

    def results(
        self, connection: Connection, job: JobState, scratch_dir: Path
    ) -> Iterator[tuple[str, Answer]]:
        """Download the result files and yield (our ref, answer) for each whole line.

        A truncated last line is left out; malformed lines are skipped; duplicates
        are yielded and are the caller's to drop.

        Raises:
            JobOutcomeUnknown: a file could not be fetched now.
        """
        ...

    def cancel(self, connection: Connection, job_id: str) -> None:
        """Ask the provider to stop; already ended jobs are no error."""
        ...
