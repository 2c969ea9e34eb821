"""Who gets which unit, and for how long."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from batches.engine import claims
from batches.models import WorkUnit
from batches.services.cancellation import cancel_batch
from batchrouter.kit import clock
from tests.batches.conftest import Customer, make_customer
from tests.batches.engine.builders import (
    DIRECT,
    dispatched,
    expire_leases,
    make_texts,
    set_deadline,
)


def claim() -> claims.ClaimedUnit | None:
    return claims.claim("direct", token=uuid.uuid4())


def orgs_of(units: list[claims.ClaimedUnit | None]) -> list[int]:
    ids = [unit.unit_id for unit in units if unit is not None]
    found = dict(WorkUnit.objects.filter(pk__in=ids).values_list("pk", "org_id"))
    return [found[unit_id] for unit_id in ids]


def test_a_whale_delays_no_minnow_by_more_than_a_slice(
    market: None, settings: Any
) -> None:
    settings.DIRECT_UNIT_ITEMS = 1
    whale = make_customer()
    dispatched(whale.org, make_texts(*["a"] * 40), DIRECT)
    minnows = [make_customer() for _ in range(5)]
    for minnow in minnows:
        dispatched(minnow.org, make_texts("b"), DIRECT)
    served = orgs_of([claim() for _ in range(6)])
    assert set(served) == {whale.org.pk, *(minnow.org.pk for minnow in minnows)}


def test_one_organization_holds_so_many_units_at_most(
    owner: Customer, settings: Any
) -> None:
    settings.DIRECT_UNIT_ITEMS = 1
    dispatched(owner.org, make_texts(*["a"] * 40), DIRECT)
    claimed = [claim() for _ in range(40)]
    assert sum(unit is not None for unit in claimed) == claims.RUNNING_PER_ORG


def test_a_unit_that_is_not_due_stays(owner: Customer) -> None:
    batch = dispatched(owner.org, make_texts("a"), DIRECT)
    WorkUnit.objects.filter(batch=batch).update(
        next_action_at=clock.now() + timedelta(seconds=60)
    )
    assert claim() is None
    assert not claims.any_due("direct")


def test_a_unit_of_another_mode_stays(owner: Customer) -> None:
    dispatched(owner.org, make_texts("a"), DIRECT)
    assert claims.claim("batch", token=uuid.uuid4()) is None
    assert claims.any_due("direct")


def test_a_claim_tells_the_time_left_by_the_databases_clock(owner: Customer) -> None:
    dispatched(owner.org, make_texts("a"), DIRECT, deadline_in=100)
    unit = claim()
    assert unit is not None
    assert 95 < unit.batch_seconds <= 100
    assert 95 < unit.stage_seconds <= 100
    assert not unit.is_canceled
    assert not unit.is_overdue
    assert not unit.was_tried


def test_a_claim_tells_a_late_batch(owner: Customer) -> None:
    batch = dispatched(owner.org, make_texts("a"), DIRECT)
    set_deadline(batch, clock.now() - timedelta(seconds=5))
    unit = claim()
    assert unit is not None
    assert unit.is_overdue


def test_renewing_returns_only_what_is_ours(owner: Customer, settings: Any) -> None:
    settings.DIRECT_UNIT_ITEMS = 1
    dispatched(owner.org, make_texts("a", "b", "c"), DIRECT)
    ours, theirs = uuid.uuid4(), uuid.uuid4()
    mine = [claims.claim("direct", token=ours) for _ in range(2)]
    claims.claim("direct", token=theirs)
    held = {unit.unit_id for unit in claims.renew(ours)}
    assert held == {unit.unit_id for unit in mine if unit is not None}


def test_renewing_tells_of_a_cancel(owner: Customer) -> None:
    batch = dispatched(owner.org, make_texts("a"), DIRECT)
    token = uuid.uuid4()
    claims.claim("direct", token=token)
    cancel_batch(batch, now=clock.now())
    assert [unit.is_canceled for unit in claims.renew(token)] == [True]


def test_a_lease_is_held_for_its_time_and_no_longer(
    owner: Customer, settings: Any
) -> None:
    settings.LEASE_SECONDS = 30
    batch = dispatched(owner.org, make_texts("a"), DIRECT)
    unit = claim()
    assert unit is not None
    assert claims.holds(unit.lease_token, unit.unit_id, seconds=25)
    assert not claims.holds(unit.lease_token, unit.unit_id, seconds=35)
    assert not claims.holds(uuid.uuid4(), unit.unit_id, seconds=1)
    expire_leases(batch)
    assert not claims.holds(unit.lease_token, unit.unit_id, seconds=0)


def test_only_the_holder_extends_a_lease(owner: Customer) -> None:
    dispatched(owner.org, make_texts("a"), DIRECT)
    unit = claim()
    assert unit is not None
    assert claims.extend(unit.lease_token, unit.unit_id, seconds=100)
    assert claims.holds(unit.lease_token, unit.unit_id, seconds=90)
    assert not claims.extend(uuid.uuid4(), unit.unit_id, seconds=100)


def test_no_lease_is_extended_long_after_the_deadline(owner: Customer) -> None:
    batch = dispatched(owner.org, make_texts("a"), DIRECT)
    unit = claim()
    assert unit is not None
    set_deadline(batch, clock.now() - timedelta(seconds=claims.LATE_SECONDS + 1))
    assert not claims.extend(unit.lease_token, unit.unit_id, seconds=100)


@pytest.mark.usefixtures("committed_db")
def test_sixteen_workers_claim_each_unit_once(market: None, settings: Any) -> None:
    settings.DIRECT_UNIT_ITEMS = 1
    for _ in range(3):
        dispatched(make_customer().org, make_texts(*["a"] * 20), DIRECT)
    together = threading.Barrier(16)

    def claim_all() -> list[int]:
        together.wait()
        try:
            found = []
            while unit := claim():
                found.append(unit.unit_id)
            return found
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as workers:
        futures = [workers.submit(claim_all) for _ in range(16)]
        claimed = [unit for future in futures for unit in future.result()]
    assert len(claimed) == len(set(claimed)) == 60
