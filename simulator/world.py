"""Everything one running simulator holds."""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from simulator.faults import CallFacts, FaultBook, Plan
from simulator.ledger import Ledger
from simulator.shelf import Shelf
from simulator.store import Store
from simulator.wire import ApiError, Json


@dataclass
class Settings:
    """Knobs that `POST /_sim/settings` can turn while it runs."""

    batch_seconds: float = 2.0  # least time from creation to completed
    latency_ms: float = 0.0
    jitter_ms: float = 0.0
    rate_limit_rps: float = 0.0  # per provider; 0 means no limit


@dataclass
class World:
    settings: Settings
    store: Store
    shelf: Shelf
    api_key: str | None = None
    ledger: Ledger = field(default_factory=Ledger)
    faults: FaultBook = field(default_factory=FaultBook)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    started_at: float = field(default_factory=time.time)
    buckets: dict[str, tuple[float, float]] = field(default_factory=dict)

    def plan(self, facts: CallFacts, body: Json | None = None) -> Plan:
        """Return the faults for one call."""
        return self.faults.plan(facts, body)

    def save_ledger(self) -> None:
        """Write the counts where the next start finds them."""
        self.store.save("ledger", "ledger", self.ledger.saved())
        self.store.save_counts(self.ledger.take_unsaved())

    def reset(self) -> None:
        """Forget faults, tries and counts; files and batches stay."""
        self.faults.clear()
        self.ledger.reset()
        self.buckets.clear()
        self.store.clear_counts()

    def remaining_calls(self, provider: str) -> int:
        """Take one call from the provider's bucket and return how many are left.

        Raises:
            ApiError: 429 with Retry-After when the bucket is empty.
        """
        rate = self.settings.rate_limit_rps
        if not rate:
            return 10_000
        now = time.monotonic()
        left, seen_at = self.buckets.get(provider, (rate, now))
        left = min(max(rate, 1.0), left + (now - seen_at) * rate)
        if left < 1:
            self.buckets[provider] = (left, now)
            raise ApiError(
                429,
                "Rate limit reached for requests.",
                code="rate_limit_exceeded",
                error_type="requests",
                headers={"Retry-After": "1", "x-ratelimit-remaining-requests": "0"},
            )
        self.buckets[provider] = (left - 1, now)
        return int(left - 1)


WORLD = web.AppKey("world", World)


def open_world(data_dir: Path, settings: Settings, api_key: str | None) -> World:
    """Open the data directory and take over the counts of the last run."""
    store = Store(data_dir)
    world = World(settings, store, Shelf(data_dir, store), api_key)
    saved = store.load("ledger").get("ledger", {})
    world.ledger.load(saved, store.load_counts())
    return world
