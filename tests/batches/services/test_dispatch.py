"""Cutting a paid batch into work units."""

from typing import Any

from batches.models import Batch, WorkUnit
from batches.services.dispatch import dispatch_batch
from batchrouter.kit import clock
from tests.batches.conftest import Customer
from tests.factories.batches import make_batch, make_item, make_items


def cut(batch: Batch) -> list[tuple[int, int, int, str]]:
    dispatch_batch(batch.pk, now=clock.now())
    return [
        (unit.seq_from, unit.seq_to, unit.item_count, unit.mode)
        for unit in WorkUnit.objects.filter(batch=batch).order_by("id")
    ]


def test_a_group_for_a_native_job_is_one_unit(owner: Customer) -> None:
    batch = make_batch(owner.org, make_items(30))

    assert cut(batch) == [(0, 29, 30, "batch")]
    assert Batch.objects.get(pk=batch.pk).state == "queued"


def test_a_group_for_direct_calls_is_sliced(owner: Customer, settings: Any) -> None:
    settings.DIRECT_UNIT_ITEMS = 4
    batch = make_batch(owner.org, make_items(10, model="deepseek-flash"))

    assert cut(batch) == [
        (0, 3, 4, "direct"),
        (4, 7, 4, "direct"),
        (8, 9, 2, "direct"),
    ]


def test_slices_count_the_items_of_their_group_only(
    owner: Customer, settings: Any
) -> None:
    settings.DIRECT_UNIT_ITEMS = 2
    models = ["deepseek-flash", "gpt-5.4-mini"] * 3
    items = [make_item(number, model=model) for number, model in enumerate(models)]

    assert cut(make_batch(owner.org, items)) == [
        (0, 2, 2, "direct"),
        (4, 4, 1, "direct"),
        (1, 5, 3, "batch"),
    ]


def test_cutting_twice_changes_nothing(owner: Customer) -> None:
    batch = make_batch(owner.org, make_items(3))

    assert cut(batch) == cut(batch)
