"""Rows to the API's JSON."""

from batches.models import RoutePlan, WorkUnit
from batches.rendering import batch_json, file_json
from batches.services.dispatch import dispatch_batch
from batchrouter.kit import clock
from tests.batches.conftest import Customer
from tests.factories.batches import make_batch, make_items, make_manifest


def test_a_manifests_file_tells_its_counts(owner: Customer) -> None:
    file = make_manifest(owner.org, make_items(3)).file

    shown = file_json(file)

    assert (shown["item_count"], shown["duplicates"]) == (3, 2)
    assert (shown["skipped_count"], shown["skipped"]) == (0, [])


def test_a_unit_on_a_later_plan_is_shown_on_the_lane_of_that(owner: Customer) -> None:
    batch = make_batch(owner.org, make_items(2, model="deepseek-flash"))
    dispatch_batch(batch.pk, now=clock.now())
    stages = batch.quote.decisions[0]["stages"]
    further = {**stages[-1], "provider": "elsewhere"}
    plan = RoutePlan.objects.create(
        batch=batch,
        group_no=0,
        kept=len(stages),
        cause="breaker_open",
        stages=[*stages, further],
    )
    WorkUnit.objects.filter(batch=batch).update(plan=plan, stage=len(stages))

    (unit,) = batch_json(batch, now=clock.now())["work_units"]

    assert unit["provider"] == "elsewhere"
