"""Many creates at once against one balance and one key, on real connections."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from batches.models import Batch, Quote
from billing.grants import grant_credits
from billing.models import Reservation
from catalog.loading import load_catalog
from tests.factories.accounts import OrgFactory, make_key
from tests.factories.batches import (
    book_problems,
    clean_store,
    make_items,
    make_manifest,
)
from tests.factories.catalog import LONG_AGO
from tests.support.api_client import ApiClient

THREADS = 24
# What one of make_item costs at most (tests/batches/services/test_quoting.py).
TOTAL_NANOUSD = 248_601
BATCHES = "/v1/batches"

Reply = tuple[int, bytes, str]


@pytest.fixture
def market(committed_db: None, settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.ARTIFACTS_DIR = tmp_path / "artifacts"
    settings.SANDBOX_PROVIDERS_URL = "http://127.0.0.1:9"
    load_catalog(now=LONG_AGO)
    with clean_store():
        yield


class Shop:
    """One customer with so many nano-dollars and a file of one item."""

    def __init__(self, amount_nanousd: int) -> None:
        self.org = OrgFactory.create()
        grant_credits(
            org=self.org,
            amount_nanousd=amount_nanousd,
            reason="for many creates",
            actor="operator:test",
            key="many-creates",
        )
        self._secret = make_key(self.org).secret
        self.file_ids = [
            make_manifest(self.org, make_items(count)).file.public_id
            for count in (1, 2)
        ]

    def quote(self) -> list[str]:
        """Quote the first file; return the ids of its curve's points."""
        body = {"input_file_id": self.file_ids[0]}
        quote = ApiClient(self._secret).post(f"{BATCHES}/quote", body).json()
        return [point["quote_id"] for point in quote["price_deadline_curve"]]

    def create(self, *, file_no: int = 0, **headers: str) -> Reply:
        """Submit one of the files; return status, body and the replay mark."""
        return self.submit({"input_file_id": self.file_ids[file_no]}, **headers)

    def submit(self, body: dict[str, str], **headers: str) -> Reply:
        """Submit; return status, body and the replay mark."""
        api = ApiClient(self._secret)
        try:
            reply = api.post(BATCHES, body, **headers)
            replayed = reply.headers.get("Idempotent-Replayed", "")
            return reply.status_code, reply.content, replayed
        finally:
            connection.close()


def _at_once(count: int, call: Callable[[int], Reply]) -> list[Reply]:
    """Make all calls, the first of every thread at the same moment."""
    barrier = Barrier(THREADS)

    def wait_and_call(number: int) -> Reply:
        if number < THREADS:
            barrier.wait()
        return call(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(wait_and_call, range(count)))


def test_a_balance_pays_for_exactly_as_many_batches_as_it_covers(
    market: None,
) -> None:
    affordable = 337
    shop = Shop(affordable * TOTAL_NANOUSD + TOTAL_NANOUSD - 1)

    replies = _at_once(1000, lambda _number: shop.create())

    assert Counter(reply[0] for reply in replies) == {
        202: affordable,
        402: 1000 - affordable,
    }
    assert Batch.objects.count() == affordable
    assert Reservation.objects.count() == affordable
    assert book_problems() == []


def test_one_key_makes_one_batch_and_equal_replies(market: None) -> None:
    shop = Shop(10 * TOTAL_NANOUSD)

    replies = _at_once(200, lambda _number: shop.create(idempotency_key="k-1"))

    assert {(status, body) for status, body, _ in replies} == {(202, replies[0][1])}
    assert Counter(replayed for _, _, replayed in replies) == {"": 1, "true": 199}
    assert Batch.objects.count() == 1
    assert Reservation.objects.count() == 1
    assert book_problems() == []


def test_one_key_with_two_bodies_takes_the_first_and_refuses_the_other(
    market: None,
) -> None:
    shop = Shop(10 * TOTAL_NANOUSD)

    replies = _at_once(
        THREADS, lambda number: shop.create(file_no=number % 2, idempotency_key="k-1")
    )

    statuses = [status for status, _, _ in replies]
    even, odd = set(statuses[0::2]), set(statuses[1::2])
    assert sorted([even, odd], key=min) == [{202}, {422}]
    assert Batch.objects.count() == 1
    assert book_problems() == []


def test_points_of_one_curve_accepted_at_once_make_one_batch(market: None) -> None:
    shop = Shop(10 * TOTAL_NANOUSD)
    points = shop.quote()

    replies = _at_once(
        THREADS, lambda number: shop.submit({"quote_id": points[number % len(points)]})
    )

    assert Counter(status for status, _, _ in replies) == {202: 1, 409: THREADS - 1}
    assert Batch.objects.count() == 1
    assert Reservation.objects.count() == 1
    states = Counter(Quote.objects.values_list("state", flat=True))
    assert states == {"accepted": 1, "void": 2}
    assert book_problems() == []
