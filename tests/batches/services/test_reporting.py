"""The optimization report, figure by figure."""

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from batches.models import QualityDay, SettledWork
from batches.services.importing import create_import, keep_file, run_imports
from batches.services.reporting import optimization_report, report_of
from batchrouter.kit.money import format_usd
from routing.contracts import Usage
from tests.batches.conftest import Customer
from tests.batches.imports.files import lines, message_line, response_line
from tests.batches.services.test_rolling_up import NOON, hundred
from tests.factories.batches import make_batch, make_items, make_quote
from tests.factories.settled import Asked, settle

Json = dict[str, Any]
NOW = datetime(2026, 11, 25, tzinfo=UTC)
MINI_BATCH = (375_000_000, 2_250_000_000)  # nano-dollars a million, in and out


def report(customer: Customer, provider: str = "openai") -> Json:
    return optimization_report(
        customer.org, import_provider=provider, now=NOW, chance=Random(1)
    )


def import_jobs(customer: Customer, data: bytes, provider: str = "openai") -> None:
    file = keep_file([data], org=customer.org, filename="past", now=NOW)
    create_import(
        customer.org, provider=provider, file_id=file.public_id, window=None, now=NOW
    )
    run_imports(budget_seconds=60, now=NOW)


class TestBaseline:
    """Imported jobs against settled batches."""

    def test_savings_are_delivered_tokens_at_imported_rates(
        self, owner: Customer, stranger: Customer
    ) -> None:
        # Past: 1,000 in and 100 out by gpt-5.4-mini's batch list price.
        import_jobs(owner, lines([response_line(1), response_line(2)]))
        charged = settle(make_batch(owner.org, make_items(4)), as_counted, at=NOON)

        found = report(owner)

        assert found["baseline"] == {
            "jobs": 1,
            "items": 2,
            "cost": "0.0012",
            "from": "2026-10-05",
            "to": "2026-10-05",
            "overlap": {"items": 0, "cost": "0.00"},
        }
        assert found["baseline_reason"] is None
        assert found["baseline_cost_trend"] == [
            {"day": "2026-10-05", "items": 2, "cost": "0.0012"}
        ]
        # The same model and price: the fee is what it costs more.
        given = SettledWork.objects.get().input_tokens
        at_baseline = (given * MINI_BATCH[0] + 200 * MINI_BATCH[1]) // 10**6
        saved = found["savings_realized"]
        assert saved["compared"]["items"] == 4
        assert saved["compared"]["at_baseline"] == format_usd(at_baseline)
        assert saved["amount"].startswith("-")
        assert saved["percent"] == pytest.approx(-5.9, abs=0.01)
        assert "fees included" in saved["method"]
        assert found["optimized_cost_trend"] == [
            {
                "day": "2026-11-20",
                "batches": 1,
                "items": 4,
                "cost": format_usd(charged),
                "work_units": 1,
                "moved": 0,
            }
        ]
        # Of the rows, whose shares of the fee are each rounded.
        compared = {
            "at_baseline": format_usd(at_baseline),
            "charged": format_usd(SettledWork.objects.get().charge_nanousd),
        }
        assert saved["by_day"] == [{"day": "2026-11-20", **compared}]
        assert found["cost_by_workload"] == [
            {
                "workload_key": "model:responses",
                "items": 4,
                "charged": compared["charged"],
                "compared": compared,
            }
        ]
        assert report(stranger)["baseline"] is None

    def test_without_an_import_nothing_is_claimed(self, owner: Customer) -> None:
        settle(make_batch(owner.org), hundred, at=NOON)

        found = report(owner, "anthropic")

        assert found["baseline"] is None
        assert found["baseline_reason"].startswith("No past anthropic jobs")
        assert found["savings_realized"] is None
        assert found["savings_reason"] == "There are no past jobs to compare with."

    def test_an_import_without_delivered_work_saves_nothing(
        self, owner: Customer
    ) -> None:
        import_jobs(owner, lines([message_line(1)]), "anthropic")

        found = report(owner, "anthropic")

        assert found["baseline"]["jobs"] == 1
        assert found["savings_realized"] is None
        assert found["savings_reason"].startswith("Nothing was delivered")

    def test_old_batches_are_outside_the_window(self, owner: Customer) -> None:
        settle(make_batch(owner.org), hundred, at=NOW - timedelta(days=31))

        assert report(owner)["optimized_cost_trend"] == []

    def test_a_longer_window_has_older_batches(self, owner: Customer) -> None:
        settle(make_batch(owner.org), hundred, at=NOW - timedelta(days=31))

        found = report_of(owner.org, import_provider="openai", days=90, now=NOW)

        assert found["window"]["from"] == "2026-08-27T00:00:00.000Z"
        assert len(found["optimized_cost_trend"]) == 1

    def test_work_that_nothing_compares_with_has_its_cost_only(
        self, owner: Customer
    ) -> None:
        settle(make_batch(owner.org), hundred, at=NOON)

        (kind,) = report(owner)["cost_by_workload"]

        charged = SettledWork.objects.get().charge_nanousd
        assert kind["charged"] == format_usd(charged)
        assert kind["compared"] is None


def as_counted(asked: Asked) -> Usage:
    return Usage(asked.counted_tokens, 0, 50, 0)


def quality(customer: Customer, day: date, check: str, good: int, bad: int) -> None:
    QualityDay.objects.create(
        org_id=customer.org.pk,
        offering_id=1,
        provider="openai",
        model="gpt-5.4-mini",
        operation="responses",
        workload_key="model:responses",
        day=day,
        source="verification",
        check_name=check,
        passed=good,
        failed=bad,
    )


class TestQuality:
    """What checks found."""

    def test_failures_are_told_by_check(self, owner: Customer) -> None:
        day = NOON.date()
        quality(owner, day, "", 90, 10)
        quality(owner, day, "json_schema", 94, 6)
        quality(owner, day, "min_length", 46, 4)

        assert report(owner)["verification_failures"] == {
            "count": 10,
            "rate": 0.1,
            "by_check": [
                {"check": "json_schema", "count": 6, "checked": 100, "rate": 0.06},
                {"check": "min_length", "count": 4, "checked": 50, "rate": 0.08},
            ],
        }

    def test_drift_is_told_by_week_with_its_significance(
        self, owner: Customer, stranger: Customer
    ) -> None:
        quality(owner, date(2026, 11, 10), "", 495, 5)
        quality(owner, date(2026, 11, 24), "", 90, 10)

        (found,) = report(owner)["provider_quality_drift"]

        assert found["provider"] == "openai"
        assert found["weeks"] == [
            {"week": "2026-11-09", "score": 0.99, "answers": 500},
            {"week": "2026-11-23", "score": 0.9, "answers": 100},
        ]
        assert found["change"] == -0.09
        assert found["significance"]["is_significant"] is True
        assert report(stranger)["provider_quality_drift"] == []

    def test_models_are_told_with_their_interval(
        self, owner: Customer, stranger: Customer
    ) -> None:
        quality(owner, date(2026, 11, 10), "", 45, 5)
        quality(owner, date(2026, 11, 24), "", 45, 5)

        assert report(owner)["quality_by_model"] == [
            {
                "provider": "openai",
                "model": "gpt-5.4-mini",
                "score": 0.9,
                "answers": 100,
                "interval": {
                    "low": 0.8256,
                    "high": 0.9448,
                    "confidence": 0.95,
                    "method": "wilson",
                },
            }
        ]
        assert report(stranger)["quality_by_model"] == []


class TestRecommendation:
    """The change that would have saved most."""

    def test_too_few_batches_are_told(self, owner: Customer) -> None:
        settle(make_batch(owner.org, sla_tier="priority"), hundred, at=NOON)

        found = report(owner)

        assert found["recommended_next_route_change"] is None
        assert found["recommendation_reason"].startswith("Not enough data yet: 1 ")

    def test_applied_it_yields_its_saving_on_the_held_out_half(
        self, owner: Customer
    ) -> None:
        """Half of the work is settled and reported; the other half is done both ways.

        Some work hurries and some does not, sizes differ tenfold, and what a provider
        really counts and writes is off from the catalog's factors by up to 3 %.
        """
        source = Random(20261129)
        orders = [order_of(source) for _ in range(48)]
        seen, held_out = orders[::2], orders[1::2]
        for number, (items, wishes) in enumerate(seen):
            truth = Truth(number)
            settle(make_batch(owner.org, items, **wishes), truth.usage, at=NOON)
        told = report(owner)
        found = told["recommended_next_route_change"]
        assert found is not None, told["recommendation_reason"]
        fields = found["change"]["manifest_fields"]
        assert found["change"]["workload_key"] == "model:responses"

        before = after = 0
        for number, (items, wishes) in enumerate(held_out):
            truth = Truth(1000 + number)
            before += settle(
                make_batch(owner.org, items, **wishes), truth.usage, at=NOON
            )
            after += settle(
                make_batch(owner.org, items, **{**wishes, **patient(wishes, fields)}),
                truth.usage,
                at=NOON,
            )

        saved = 100 * (before - after) / before
        expected = found["expected_saving"]
        assert expected["percent_low"] <= saved <= expected["percent_high"]
        assert expected["percent_low"] > 0
        assert expected["percent_high"] - expected["percent_low"] < 60
        assert found["confidence"]["level"] == 0.95
        backtest = found["evidence"][0]
        assert backtest["kind"] == "backtest"
        assert backtest["batches"] >= 10


def order_of(source: Random) -> tuple[list[Json], Json]:
    """Draw a manifest and its wishes."""
    count = source.choice([2, 4, 8, 20])
    liked = ["claude-haiku-4-5", "gpt-5.4-mini"]
    models = source.choice([liked, liked[:1], liked[1:]])
    tier = source.choice(["priority", "priority", "standard", "flex"])
    return make_items(count, model_options=models), {"sla_tier": tier}


def patient(wishes: Json, fields: Json) -> Json:
    """Return the recommended fields; who already waits longer goes on waiting."""
    hours = {"priority": 1, "standard": 24, "flex": 48}
    changed = dict(fields)
    wanted = changed.get("sla_tier", wishes["sla_tier"])
    changed["sla_tier"] = max(wanted, wishes["sla_tier"], key=lambda tier: hours[tier])
    return changed


class Truth:
    """What providers really count and write for the items of one batch."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def usage(self, asked: Asked) -> Usage:
        """Return an item's usage; alike on every lane but for the lane's own ways."""
        of_item = Random(f"{self._seed} {asked.seq}")
        of_lane = Random(f"{asked.provider} {asked.model}")
        even_out = of_item.randint(20, 90)
        skew = 1 + of_lane.uniform(-0.03, 0.03)
        factor = skew * asked.factor_bps / 10_000
        return Usage(
            int(asked.counted_tokens * factor), 0, max(int(even_out * factor), 1), 0
        )


def test_quotes_are_no_settled_work(owner: Customer) -> None:
    make_quote(owner.org)

    found = report(owner)

    assert found["fallback_frequency"] == {"work_units": 0, "moved": 0, "rate": None}
    assert found["verification_failures"] == {"count": 0, "rate": None, "by_check": []}
