"""Send what is due: one thread, one libcurl loop, names resolved beside it.

Each delivery was written down as begun when it was claimed. Its address is read, its
name resolved once, every answer judged, and the call goes to just those addresses; the
pool judges each of them again when it makes the socket. What comes back is written down
in one transaction for all that ended together.
"""

import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from random import Random, SystemRandom
from typing import Final, NamedTuple

from django.conf import settings

from batches.delivery import claims, recording, secrets, targets
from batches.delivery.claims import Claimed
from batches.delivery.recording import Ended
from batches.delivery.secrets import WebhookSecretRefused
from batches.delivery.signing import headers_of
from batches.delivery.verdicts import Outcome, Verdict, judge
from batchrouter.kit import clock
from batchrouter.kit.destinations import (
    Destination,
    DestinationRefused,
    Resolver,
    Rules,
    callable_addresses,
    is_callable,
    read_destination,
    system_resolver,
)
from batchrouter.kit.pool import HttpPool, Pin
from batchrouter.kit.sealing import CannotOpen
from batchrouter.kit.stopping import is_stopping

IN_FLIGHT_MAX: Final = 128
REPLY_BYTES_MAX: Final = 64 * 1024
# The contract's: so long an endpoint has to answer, name and TLS included.
ANSWER_SECONDS: Final = 10
_RESOLVER_THREADS: Final = 16
# Deliveries whose names are asked for, beyond those under way: slow names are bounded.
_RESOLVE_MAX: Final = 64
_TICK_SECONDS: Final = 0.02
# Between two looks for more while nothing ends, as beside an endpoint that does not
# answer: a look costs the database two milliseconds, and what is due waits for it.
_LOOK_SECONDS: Final = 0.05
log = logging.getLogger(__name__)


class _Request(NamedTuple):
    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(slots=True)
class _Resolving:
    claimed: Claimed
    destination: Destination
    began: float
    answer: "Future[tuple[str, ...]]"


class DeliverySender:
    """Sends until nothing is due; for use by one thread, once.

    Args:
        rules: where calls may go; by the settings where none are given.
        resolve: returns the addresses of a name.
        chance: jitters the pauses.
        ca_file: authorities to trust instead of certifi's.
    """

    def __init__(
        self,
        *,
        rules: Rules | None = None,
        resolve: Resolver = system_resolver,
        chance: Random | None = None,
        ca_file: str | None = None,
    ) -> None:
        self._rules = rules or targets.rules()
        self._resolve = resolve
        self._chance = chance or SystemRandom()
        self._ca_file = ca_file
        self._lease_seconds = settings.WEBHOOK_LEASE_SECONDS
        self._claimed_at = 0.0
        self._resolving: list[_Resolving] = []
        self._ended: list[Ended] = []

    def run(self, *, budget_seconds: float) -> int:
        """Send what is due and return how many tries were made.

        After the budget, or when the worker is asked to stop, nothing new is claimed
        and what is under way comes to its end.
        """
        until = time.monotonic() + budget_seconds
        tried = 0
        with ExitStack() as stack:
            self._pool = stack.enter_context(
                HttpPool(
                    max_in_flight=IN_FLIGHT_MAX,
                    body_bytes_max=REPLY_BYTES_MAX,
                    ca_file=self._ca_file,
                    may_connect=partial(is_callable, rules=self._rules),
                )
            )
            threads = ThreadPoolExecutor(_RESOLVER_THREADS, "webhook-names")
            # A name server that hangs holds its thread, not us.
            stack.callback(threads.shutdown, wait=False, cancel_futures=True)
            has_room = True
            while True:
                claimed = []
                if has_room and time.monotonic() < until and not is_stopping():
                    claimed = self._claim()
                tried += len(claimed)
                for one in claimed:
                    self._begin(one, threads)
                has_ended = self._move()
                if not claimed and not has_ended and not self._is_busy:
                    return tried
                is_time = time.monotonic() - self._claimed_at > _LOOK_SECONDS
                has_room = has_ended or is_time or not self._is_busy

    @property
    def _is_busy(self) -> bool:
        return bool(self._resolving or self._pool.in_flight)

    def _claim(self) -> list[Claimed]:
        room = IN_FLIGHT_MAX - self._pool.in_flight - len(self._resolving)
        room = min(room, _RESOLVE_MAX - len(self._resolving))
        if room <= 0:
            return []
        self._claimed_at = time.monotonic()
        return claims.claim(
            limit=room, lease_seconds=self._lease_seconds, now=clock.now()
        )

    def _begin(self, one: Claimed, threads: ThreadPoolExecutor) -> None:
        """Read the address and ask for its name, or end the try."""
        try:
            destination = read_destination(one.url, self._rules)
        except DestinationRefused as refusal:
            self._end(one, Verdict(Outcome(refusal.reason)))
            return
        answer = threads.submit(
            callable_addresses, destination, self._rules, self._resolve
        )
        self._resolving.append(_Resolving(one, destination, time.monotonic(), answer))

    def _move(self) -> bool:
        """Send what is resolved, take what was answered, write down what ended.

        Returns:
            Whether anything ended.
        """
        self._send_resolved()
        for done in self._pool.wait(_TICK_SECONDS):
            assert isinstance(done.token, Claimed)
            self._end(done.token, judge(done, now=clock.now()))
        if self._resolving and not self._pool.in_flight:
            time.sleep(_TICK_SECONDS / 4)
        if not self._ended:
            return False
        recording.write_down(self._ended, now=clock.now(), chance=self._chance)
        self._ended.clear()
        return True

    def _send_resolved(self) -> None:
        waiting = []
        for one in self._resolving:
            if one.answer.done():
                self._send(one)
            elif time.monotonic() - one.began > ANSWER_SECONDS:
                self._end(one.claimed, Verdict(Outcome.HOST_REFUSED))
            else:
                waiting.append(one)
        self._resolving = waiting

    def _send(self, one: _Resolving) -> None:
        try:
            addresses = one.answer.result()
            self._submit(one, addresses)
        except DestinationRefused as refusal:
            self._end(one.claimed, Verdict(Outcome(refusal.reason)))
        except (CannotOpen, WebhookSecretRefused):
            log.warning("delivery %s: no secret that signs", one.claimed.public_id)
            self._end(one.claimed, Verdict(Outcome.KEY_UNREADABLE))
        # One delivery that cannot be sent does not hold up the others.
        except Exception:
            log.exception("delivery %s cannot be sent", one.claimed.public_id)
            self._end(one.claimed, Verdict(Outcome.CONNECTION_FAILED))

    def _submit(self, one: _Resolving, addresses: tuple[str, ...]) -> None:
        """Hand a delivery to the pool, unless too much time went by.

        Raises:
            CannotOpen: the secret was sealed with a key that is not known here.
            WebhookSecretRefused: it is of a quote older than the rule for secrets.
        """
        claimed, to = one.claimed, one.destination
        waited = time.monotonic() - one.began
        left_ms = int((ANSWER_SECONDS - waited) * 1000)
        if waited > self._lease_seconds / 2 or left_ms <= 0:
            # Paused or starved: the lease may be another's before the answer comes.
            self._end(claimed, Verdict(Outcome.TIMED_OUT))
            return
        body, timestamp = claimed.body.encode(), int(clock.now().timestamp())
        headers = headers_of(
            claimed.event_id, body, _secrets_of(claimed), timestamp=timestamp
        )
        self._pool.submit(
            claimed,
            _Request("POST", to.url, headers, body),
            left_ms,
            pin=Pin(to.host, to.port, addresses),
        )

    def _end(self, one: Claimed, verdict: Verdict) -> None:
        self._ended.append(Ended(one, verdict))


def _secrets_of(claimed: Claimed) -> list[str]:
    """Open what signs, the present one first.

    Raises:
        CannotOpen: it was sealed with a key that is not known here, or there is none.
    """
    if not claimed.sealed:
        raise CannotOpen("there is no secret")
    sealed = filter(None, [claimed.sealed, claimed.sealed_before])
    return [secrets.unseal(each) for each in sealed]
