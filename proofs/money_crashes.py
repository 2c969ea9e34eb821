"""Does a crash of the database lose or double money that somebody was told of?

    python -m proofs.money_crashes [--kills 20] [--seed N]

Starts the real product on services of its own and a Stripe stand-in. Buyers pay, an
operator gives credits, customers submit batches that workers run and settle, while
PostgreSQL is ended again and again. Exits with 1 where an acknowledged operation is not
in the books exactly once, or where a proof of ``ledger_reconcile`` fails.
"""

import argparse
import http.client
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection

from tests.support.product import ROOT, Product

NANO_PER_USD = 10**9
DEMO_USD = 100
PACK, PACK_USD = "credit_10", 10
GRANT_USD = 1
BUYERS, CUSTOMERS = 2, 8
# From the end of one recovery to the next crash.
PAUSE_SECONDS = (2.0, 7.0)
# What was begun before the last crash has ended by then.
PATIENCE_SECONDS = 180.0
RETRY_SECONDS = 0.1

# Takes a key a line, gives credits once for each, and says how often it had to try.
_OPERATOR = """
import sys, time
from django.db import Error, connection
from accounts.models import Org
from billing.grants import grant_credits
for number, line in enumerate(sys.stdin):
    for tries in range(1, 10_000):
        try:
            grant_credits(
                org=Org.objects.get(public_id={org_id!r}),
                amount_nanousd={amount},
                reason="a grant between crashes",
                actor="operator:proof",
                key=line.strip(),
                is_promo=bool(number % 2),
            )
            break
        except Error:
            connection.close()
            time.sleep({pause})
    print(tries, flush=True)
"""
# Each counts what the books have of one kind of operation, by what it was told as.
_BOOKED = {
    "top-ups": """
        SELECT c.public_id, t.amount_nanousd, (
            SELECT COUNT(*) FROM billing_ledgertransaction l
            WHERE l.kind = 'top_up' AND l.id = t.transaction_id)
        FROM billing_topup t JOIN billing_checkoutsession c ON c.id = t.checkout_id
    """,
    "grants": """
        SELECT g.key, g.amount_nanousd, (
            SELECT COUNT(*) FROM billing_ledgertransaction l
            WHERE l.purpose = 'grant:' || g.public_id)
        FROM billing_grant g WHERE g.actor = 'operator:proof'
    """,
    "batches": """
        SELECT substr(r.purpose, 7), r.usage_nanousd + r.fee_nanousd, (
            SELECT COUNT(*) FROM billing_ledgertransaction l
            WHERE l.purpose = r.purpose AND l.kind = 'settle')
        FROM billing_reservation r WHERE r.state <> 'open'
    """,
}
_EVENTS = "SELECT event_id FROM billing_stripeevent"
_POSTED = """
    SELECT kind, COUNT(*) FROM billing_ledgertransaction GROUP BY kind ORDER BY kind
"""


@dataclass
class Told:
    """What somebody outside was told is done, with its amount in nano-dollars."""

    operations: dict[str, dict[str, int]] = field(
        default_factory=lambda: {name: {} for name in _BOOKED}
    )
    troubles: Counter[str] = field(default_factory=Counter)
    refusals: list[str] = field(default_factory=list)

    def done(self, kind: str, name: str, amount_nanousd: int) -> None:
        """Note an operation that was acknowledged."""
        self.operations[kind][name] = amount_nanousd


class Caller:
    """Calls the product and asks again, under the same key, until it answers."""

    def __init__(self, product: Product, told: Told) -> None:
        self._product = product
        self._told = told

    def ask(self, path: str, body: Any = None, *, key: str = "") -> dict[str, Any]:
        """Return the answer of a call that no crash broke off.

        Raises:
            RuntimeError: it was refused, or nothing answered for minutes.
        """
        headers = {"Idempotency-Key": key} if key else {}
        give_up = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < give_up:
            try:
                status, answer = self._product.call(path, body, headers=headers)
            except (OSError, ValueError, http.client.HTTPException) as error:
                self._told.troubles[type(error).__name__] += 1
            else:
                if status < 300:
                    return answer
                if status < 500 and status != 409:
                    raise RuntimeError(f"{path}: {status} {answer}")
                self._told.troubles[f"status {status}"] += 1
            time.sleep(RETRY_SECONDS)
        raise RuntimeError(f"{path} was never answered")

    def ask_until(
        self, path: str, holds: Callable[[dict[str, Any]], bool]
    ) -> dict[str, Any]:
        """Read something again and again until it is as it should be.

        Raises:
            RuntimeError: it does not come to be so.
        """
        give_up = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < give_up:
            answer = self.ask(path)
            if holds(answer):
                return answer
            time.sleep(RETRY_SECONDS)
        raise RuntimeError(f"{path} did not come to its end")


class Load:
    """Buyers, an operator and customers, each in a thread, until told to stop."""

    def __init__(self, product: Product, told: Told) -> None:
        self._product = product
        self._told = told
        self._caller = Caller(product, told)
        self._stop = threading.Event()
        self._file_id = self._upload()
        self._org_id = json.loads(product.manage("make_demo"))["org_id"]

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let everybody work; at the end let them finish what they began."""
        people = [self._buy] * BUYERS + [self._submit] * CUSTOMERS + [self._give]
        with ThreadPoolExecutor(len(people)) as pool:
            working = [pool.submit(work, n) for n, work in enumerate(people)]
            try:
                yield
            finally:
                self._stop.set()
        self._told.refusals += list(map(str, filter(None, map(_failure, working))))

    def _upload(self) -> str:
        lines = [
            {
                "customer_item_id": model,
                "operation": "responses",
                "model": model,
                "input": {"input": "Say hello.", "max_output_tokens": 32},
            }
            for model in ("gpt-5.4-mini", "deepseek-flash")
        ]
        _, file = self._product.call(
            "/v1/batches/input-manifests",
            raw=b"".join(json.dumps(line).encode() + b"\n" for line in lines),
            headers={"Content-Type": "application/x-ndjson"},
        )
        return str(file["id"])

    def _keys(self, word: str, number: int) -> Iterator[str]:
        count = 0
        while not self._stop.is_set():
            count += 1
            yield f"{word}-{number}-{count}"

    def _buy(self, number: int) -> None:
        sessions = "/v1/billing/checkout-sessions"
        for key in self._keys("buy", number):
            opened = self._caller.ask(sessions, {"pack_code": PACK}, key=key)
            self._product.stripe.pay(opened["url"].rpartition("/")[2])
            self._told.done("top-ups", opened["id"], PACK_USD * NANO_PER_USD)
            self._caller.ask_until(
                f"{sessions}/{opened['id']}", lambda now: bool(now["credits_posted"])
            )

    def _submit(self, number: int) -> None:
        for key in self._keys("batch", number):
            body = {"input_file_id": self._file_id}
            batch = self._caller.ask("/v1/batches", body, key=key)
            path = f"/v1/batches/{batch['id']}"
            self._caller.ask_until(path, lambda now: now["state"] == "completed")
            receipt = self._caller.ask(f"{path}/billing-receipt")["receipt"]
            charged = Decimal(receipt["charged"]) * NANO_PER_USD
            self._told.done("batches", batch["id"], int(charged))

    def _give(self, number: int) -> None:
        with _operator(self._product, self._org_id) as operator:
            assert operator.stdin is not None
            assert operator.stdout is not None
            for key in self._keys("grant", number):
                operator.stdin.write(f"{key}\n")
                operator.stdin.flush()
                tries = int(operator.stdout.readline())
                self._told.done("grants", key, GRANT_USD * NANO_PER_USD)
                self._told.troubles["grant tried again"] += tries - 1
                time.sleep(RETRY_SECONDS)


@contextmanager
def _operator(product: Product, org_id: str) -> Iterator["subprocess.Popen[str]"]:
    program = _OPERATOR.format(
        org_id=org_id,
        amount=GRANT_USD * NANO_PER_USD,
        pause=RETRY_SECONDS,
    )
    with (
        (product.home / "operator.log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "manage.py", "shell", "-v0", "-c", program],
            cwd=ROOT,
            env=product.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as running,
    ):
        yield running


def _failure(work: "Future[None]") -> BaseException | None:
    return work.exception()


def crash_often(product: Product, *, kills: int, chance: random.Random) -> list[float]:
    """End PostgreSQL so many times; return the seconds until it answered again."""
    seconds = []
    for number in range(kills):
        time.sleep(chance.uniform(*PAUSE_SECONDS))
        began = time.monotonic()
        product.crash_postgres(by_sigkill=bool(number % 2))
        seconds.append(time.monotonic() - began)
    return seconds


def judge(product: Product, told: Told) -> list[str]:
    """Return what the books, read once all is quiet, do not say as it was told."""
    problems = [f"refused: {refusal}" for refusal in told.refusals]
    with psycopg.connect(product.database_url) as connection:
        for kind, query in _BOOKED.items():
            rows = connection.execute(query).fetchall()
            problems += compare(kind, told.operations[kind], rows)
        posted: dict[str, int] = dict(connection.execute(_POSTED).fetchall())
        problems += _lost_events(connection, product)
        failed = connection.execute(
            "SELECT COUNT(*) FROM billing_reconcilerun WHERE NOT is_ok"
        ).fetchall()
    print(f"posted: {json.dumps(posted)}")
    if failed != [(0,)]:
        problems.append(f"rounds of proofs between the crashes that failed: {failed}")
    problems += _wrong_balance(product, told)
    verdict = product.manage("ledger_reconcile", check=False)
    if "all hold" not in verdict.splitlines():
        problems.append(verdict)
    return problems


def compare(
    kind: str, told: dict[str, int], rows: list[tuple[str, int, int]]
) -> Iterator[str]:
    """Yield what is lost, doubled, unheard of or of another amount.

    Args:
        kind: of operation, for the sentence.
        told: the amounts that were acknowledged, by the operation's name.
        rows: of the books: name, amount, and how often it is in the ledger.
    """
    booked = {name: amount for name, amount, _ in rows}
    for name in sorted(told.keys() | booked.keys()):
        if told.get(name) != booked.get(name):
            yield f"{kind}: {name} is {booked.get(name)}, told was {told.get(name)}"
    for name, _, times in rows:
        if times != 1:
            yield f"{kind}: {name} is in the ledger {times} times"
    if len(booked) != len(rows):
        yield f"{kind}: {len(rows)} rows for {len(booked)} operations"


def _lost_events(connection: Connection[Any], product: Product) -> Iterator[str]:
    """Yield deliveries that we answered for and do not have."""
    stored = {name for (name,) in connection.execute(_EVENTS)}
    for each in product.stripe.deliveries():
        if each["state"] == "delivered" and each["event"] not in stored:
            yield f"event {each['event']} was taken and is not stored"


def _wrong_balance(product: Product, told: Told) -> Iterator[str]:
    """Compare the balance that customers see with what they were told, all added up."""
    sums = {kind: sum(done.values()) for kind, done in told.operations.items()}
    expected = DEMO_USD * NANO_PER_USD + sums["top-ups"] + sums["grants"]
    expected -= sums["batches"]
    _, overview = product.call("/v1/billing")
    balance = overview["balance"]
    available = Decimal(balance["available"]["amount"]) * NANO_PER_USD
    if available != expected:
        yield f"the balance is {available}, all that was told makes {expected}"
    if Decimal(balance["reserved"]["amount"]):
        yield f"still reserved: {balance['reserved']}"
    if not overview["spending"]["enabled"]:
        yield "spending was frozen"


def main() -> int:
    """Run the campaign."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--kills", type=int, default=20)
    arguments.add_argument("--seed", type=int, default=20261122)
    chosen = arguments.parse_args()
    told = Told()
    with (
        tempfile.TemporaryDirectory() as home,
        Product(
            Path(home),
            with_redis=True,
            with_stripe=True,
            STRIPE_PULL_SECONDS="5",
            STRIPE_INBOX_SECONDS="5",
            RECONCILE_SECONDS="10",
        ) as product,
    ):
        began = time.monotonic()
        with Load(product, told).running():
            chance = random.Random(chosen.seed)
            recovered = crash_often(product, kills=chosen.kills, chance=chance)
        product.stripe.wait_until_quiet(PATIENCE_SECONDS)
        seconds = time.monotonic() - began
        deliveries = product.stripe.deliveries()
        problems = judge(product, told)
    print(
        f"{chosen.kills} crashes in {seconds:.0f} s, seed {chosen.seed}; "
        f"up again after {min(recovered):.1f} to {max(recovered):.1f} s"
    )
    acknowledged = {kind: len(done) for kind, done in told.operations.items()}
    print(f"acknowledged: {json.dumps(acknowledged)}")
    troubles = dict(told.troubles.most_common())
    print(f"broken off and asked again: {json.dumps(troubles)}")
    again = sum(each["attempts"] - 1 for each in deliveries)
    print(f"webhooks: {len(deliveries)}, delivered again {again} times")
    for problem in problems:
        print(f"VIOLATION: {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
