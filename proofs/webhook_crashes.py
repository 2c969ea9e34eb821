"""Kill the delivery worker again and again: every event arrives, to the byte.

The whole product runs on services of its own. Events are asked for over the API while
the worker of the queue ``delivery`` is ended by SIGKILL at random instants, and the
receiver answers late or with 500 now and then. Afterwards every event that was
acknowledged must have arrived at least once, always with the same id and bytes.
"""

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from tests.support.product import Product
from tests.support.receiver import Answer, Got, Receiver

PATIENCE_SECONDS = 600.0
_WEBHOOK = "/v1/auth/account/delivery-webhook"
# Of a hundred answers: how many come late, and how many are failures.
_LATE, _FAILED = 20, 10
_LATE_SECONDS = 0.3


def main() -> int:
    """Run the campaign."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--kills", type=int, default=30)
    arguments.add_argument("--events", type=int, default=600)
    arguments.add_argument("--seed", type=int, default=20261129)
    chosen = arguments.parse_args()
    chance = random.Random(chosen.seed)
    with (
        tempfile.TemporaryDirectory() as home,
        Receiver(answer=_moody(random.Random(chosen.seed + 1))) as receiver,
        Product(Path(home), with_redis=True, WEBHOOK_LEASE_SECONDS="3") as product,
    ):
        began = time.monotonic()
        product.use_key_of_all_scopes()
        status, said = product.call(_WEBHOOK, {"url": receiver.url}, method="PUT")
        assert status == 200, said
        asking = _Asking(product, chosen.events)
        asking.start()
        for _ in range(chosen.kills):
            time.sleep(chance.uniform(0.2, 4.0))
            product.restart("delivery")
        asking.join()
        told = asking.told
        wait_for(product, told)
        seconds = time.monotonic() - began
        bodies = dict(_bodies(product, told))
        problems = list(compare(bodies, receiver.got))
        lost = sum(
            each["outcome"] == "unknown"
            for delivery_id in told
            for each in product.call(f"/v1/webhook-deliveries/{delivery_id}")[1][
                "tries"
            ]
        )
    times = Counter(got.event_id for got in receiver.got)
    print(f"{chosen.kills} kills in {seconds:.0f} s, seed {chosen.seed}")
    print(f"events acknowledged: {len(told)}; requests received: {len(receiver.got)}")
    most = max(times.values(), default=0)
    print(f"tries that a kill cut off: {lost}; at most {most} per event")
    for problem in problems:
        print(f"VIOLATION: {problem}")
    return 1 if problems or not told else 0


class _Asking(threading.Thread):
    """Asks for events, evenly, and keeps the ids of what was acknowledged."""

    def __init__(self, product: Product, events: int) -> None:
        super().__init__(daemon=True)
        self.told: list[str] = []
        self._product, self._events = product, events

    def run(self) -> None:
        for _ in range(self._events):
            status, body = self._product.call(f"{_WEBHOOK}/test", {})
            if status == 202:
                self.told.append(str(body["id"]))


def _moody(chance: random.Random) -> Callable[[Got], Answer]:
    def answer(_got: Got) -> Answer:
        mood = chance.randrange(100)
        if mood < _LATE:
            time.sleep(_LATE_SECONDS)
        return Answer(500 if mood >= 100 - _FAILED else 204)

    return answer


def wait_for(product: Product, told: Iterable[str]) -> None:
    """Wait until every delivery was taken.

    Raises:
        AssertionError: one was not, in ten minutes.
    """
    give_up = time.monotonic() + PATIENCE_SECONDS
    for delivery_id in told:
        while True:
            _, body = product.call(f"/v1/webhook-deliveries/{delivery_id}")
            if body["state"] == "delivered":
                break
            if time.monotonic() > give_up:
                raise AssertionError(f"not delivered: {body}")
            time.sleep(0.2)


def _bodies(product: Product, told: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    for delivery_id in told:
        _, body = product.call(f"/v1/webhook-deliveries/{delivery_id}")
        yield body["event_id"], body["body"].encode()


def compare(events: Mapping[str, bytes], got: Iterable[Got]) -> Iterator[str]:
    """Yield what did not arrive, and what arrived as other bytes than were written.

    Args:
        events: the bodies of what was acknowledged, by id.
        got: every request that came in.
    """
    arrived = set()
    for each in got:
        arrived.add(each.event_id)
        if each.event_id in events and each.body != events[each.event_id]:
            yield f"{each.event_id} arrived with other bytes"
        if json.loads(each.body)["id"] != each.event_id:
            yield f"{each.event_id} arrived with the body of another event"
    for event_id in sorted(events.keys() - arrived):
        yield f"{event_id} did not arrive"


if __name__ == "__main__":
    sys.exit(main())
