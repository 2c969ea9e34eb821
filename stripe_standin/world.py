"""Everything one running stand-in holds."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiohttp import web

from stripe_standin.faults import FaultBook
from stripe_standin.settings import Settings
from stripe_standin.store import Store


@dataclass(frozen=True)
class Configured:
    """What the command line decides; a reset does not change it."""

    api_key: str | None = None
    webhook_url: str | None = None
    webhook_secrets: Sequence[str] = ()
    public_url: str | None = None


@dataclass
class World:
    store: Store
    configured: Configured
    settings: Settings
    faults: FaultBook = field(default_factory=FaultBook)
    started_at: float = field(default_factory=time.time)
    # Set after a commit that may have left something to deliver.
    work_waits: asyncio.Event = field(default_factory=asyncio.Event)
    posts_under_way: int = 0


WORLD = web.AppKey("world", World)
