"""What the end of a batch tells the market."""

from typing import Any

import pytest

from batches.models import QualityDay
from batches.services.outcomes import counts_json
from catalog.models import ProviderHour, SettledDemand
from tests.batches.conftest import Customer
from tests.factories.batches import make_batch, make_item, make_items, run_batch

DIRECT: dict[str, Any] = {"model": "deepseek-flash"}


def demand() -> set[tuple[str, str, str, str, int, int]]:
    return set(
        SettledDemand.objects.exclude(provider="")
        .exclude(operation="")
        .values_list("kind", "slug", "provider", "operation", "items", "batches")
    )


def calls() -> set[tuple[str, int, int]]:
    return set(ProviderHour.objects.values_list("provider__key", "succeeded", "failed"))


def verified() -> set[tuple[str, str, str, str, int, int, int]]:
    return set(
        QualityDay.objects.values_list(
            "source",
            "provider",
            "workload_key",
            "check_name",
            "passed",
            "repaired",
            "failed",
        )
    )


@pytest.mark.usefixtures("simulator")
class TestMarket:
    """Batches that ran."""

    def test_delivered_items_are_demand_of_their_model(self, owner: Customer) -> None:
        run_batch(make_batch(owner.org, make_items(3, **DIRECT)))

        assert demand() == {("model", "deepseek-flash", "deepseek", "responses", 3, 1)}

    def test_a_workflow_is_demand_of_its_own_too(self, owner: Customer) -> None:
        slug = "classify-support-tickets"

        run_batch(make_batch(owner.org, make_items(3, **DIRECT), workflow=slug))

        assert demand() == {
            ("model", "deepseek-flash", "deepseek", "responses", 3, 1),
            ("workflow", slug, "deepseek", "responses", 3, 1),
        }

    def test_two_batches_of_a_day_add_up(self, owner: Customer) -> None:
        for _ in range(2):
            run_batch(make_batch(owner.org, make_items(2, **DIRECT)))

        assert demand() == {("model", "deepseek-flash", "deepseek", "responses", 4, 2)}
        assert calls() == {("deepseek", 4, 0)}

    def test_items_that_the_provider_refused_count_for_nobody(
        self, owner: Customer
    ) -> None:
        bad = make_item(1, **DIRECT, input="[[sim:400]] Say hello.")

        run_batch(make_batch(owner.org, [make_item(0, **DIRECT), bad]))

        assert demand() == {("model", "deepseek-flash", "deepseek", "responses", 1, 1)}
        assert calls() == {("deepseek", 1, 0)}

    def test_a_failure_of_the_provider_lowers_its_health(self, owner: Customer) -> None:
        shaky = make_item(0, **DIRECT, input="[[sim:503:1]] Say hello.")

        run_batch(make_batch(owner.org, [shaky]))

        assert calls() == {("deepseek", 1, 1)}

    def test_what_nobody_pays_for_is_no_demand(self, owner: Customer) -> None:
        items = make_items(20, **DIRECT)
        items[0]["golden"] = {"expected": "hello"}

        run_batch(make_batch(owner.org, items))

        ((*_, item_count, _batches),) = demand()
        assert item_count == 19

    def test_checks_are_counted_by_name_with_every_try(self, owner: Customer) -> None:
        lazy = make_item(0, **DIRECT, input="[[sim:empty:1]] Say hello.")

        run_batch(make_batch(owner.org, [lazy, make_item(1, **DIRECT)]))

        where = ("verification", "deepseek", "model:responses")
        assert verified() == {
            (*where, "", 2, 0, 1),
            (*where, "not_empty", 2, 0, 1),
            (*where, "not_refused", 3, 0, 0),
            (*where, "not_truncated", 3, 0, 0),
        }

    def test_checks_of_two_batches_of_a_day_add_up(self, owner: Customer) -> None:
        for _ in range(2):
            run_batch(make_batch(owner.org, make_items(2, **DIRECT)))

        where = ("verification", "deepseek", "model:responses")
        names = ("", "not_empty", "not_refused", "not_truncated")
        assert verified() == {(*where, name, 4, 0, 0) for name in names}

    def test_a_test_key_teaches_nothing(self, owner: Customer) -> None:
        run_batch(make_batch(owner.org, make_items(2, **DIRECT), is_test=True))

        assert (demand(), calls(), verified()) == (set(), set(), set())


def test_rows_to_review_count_as_completed() -> None:
    assert counts_json({"completed": 3, "review": 2, "failed": 1}, 6) == {
        "total": 6,
        "pending": 0,
        "running": 0,
        "completed": 5,
        "failed": 1,
        "canceled": 0,
        "expired": 0,
    }
