"""What happens by itself: sessions expire, bank debits settle after their delay."""

import asyncio
import time

from stripe_standin import paying, sessions
from stripe_standin.desk import Desk
from stripe_standin.world import World

_LOOK_SECONDS = 0.1
_DOING = {"expire": sessions.expire_if_open, "settle": paying.settle_if_due}


async def keep_time(world: World) -> None:
    """Do what is due, for as long as the stand-in runs."""
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        now = time.time()
        if not world.store.timer_rings(now):
            continue
        desk = Desk(store=world.store, settings=world.settings, now=int(now))
        with world.store.transaction():
            for object_id, what in world.store.take_timers(now):
                _DOING[what](desk, object_id)
        world.work_waits.set()
