from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from routing import health
from routing.contracts import OfferingFacts
from routing.models import RouteVersion
from routing.selectors import current_weights, offering_facts, weights_of
from routing.weights import RouteWeights, ScoreWeights
from tests.factories.catalog import OfferingFactory, OfferingPriceFactory
from tests.routing.values import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _a_key_for_openai(settings: Settings) -> None:
    settings.PROVIDER_API_KEYS = {"openai": "sk-1"}
    settings.PROVIDER_BASE_URLS = {}
    settings.SANDBOX_PROVIDERS_URL = ""


def make_offering(provider: str = "openai", **changes: str) -> int:
    """Make a priced offering of the model ``m`` and return its id."""
    offering = OfferingFactory.create(
        provider__key=provider, model__slug="m", **changes
    )
    OfferingPriceFactory.create(offering=offering)
    pk: int = offering.pk
    return pk


def facts(*, sandbox_only: bool = False, workload_key: str = "") -> OfferingFacts:
    [found] = offering_facts(
        ["m"], sandbox_only=sandbox_only, now=NOON, workload_key=workload_key
    )
    return found


def report(offering_id: int, *, days_ago: int = 0, key: str = "") -> None:
    health.record(
        offering_id,
        health.Calls(successes=80, failures=12, expiries=8),
        now=NOON - timedelta(days=days_ago),
        workload_key=key,
    )


def test_the_catalogs_facts_are_taken_over() -> None:
    offering_id = make_offering()
    found = facts()

    assert (found.offering_id, found.provider, found.model) == (
        offering_id,
        "openai",
        "m",
    )
    assert (found.price.input, found.quality, found.reliability_prior) == (
        750_000_000,
        0.92,
        0.985,
    )
    assert (found.observed_successes, found.observed_failures) == (0.0, 0.0)
    assert found.breaker_open_until is None


def test_a_key_connects_the_live_provider() -> None:
    make_offering()

    assert (facts().is_connected, facts().is_sandbox) == (True, False)
    assert not facts(sandbox_only=True).is_connected


def test_the_simulator_connects_what_has_no_key(settings: Settings) -> None:
    settings.SANDBOX_PROVIDERS_URL = "http://127.0.0.1:9400"
    make_offering(provider="groq", adapter="openai_compatible")

    assert (facts().is_connected, facts().is_sandbox) == (True, True)


@pytest.mark.parametrize(
    ("adapter", "mode"),
    [("", "direct"), ("unknown", "direct"), ("openai_compatible", "batch")],
)
def test_what_no_adapter_speaks_is_not_connected(adapter: str, mode: str) -> None:
    make_offering(adapter=adapter, mode=mode)

    assert not facts().is_connected


def test_outcomes_count_less_the_older_they_are() -> None:
    offering_id = make_offering()
    report(offering_id)
    report(offering_id, days_ago=7)
    report(offering_id, days_ago=14)

    found = facts()
    assert found.observed_successes == pytest.approx(80 + 40)
    assert found.observed_failures == pytest.approx(20 + 10)


def test_outcomes_of_other_work_count_half() -> None:
    offering_id = make_offering()
    report(offering_id, key="same")
    report(offering_id, key="other")

    assert facts(workload_key="same").observed_successes == pytest.approx(120)
    assert facts().observed_successes == pytest.approx(160)


def test_an_open_breaker_is_seen() -> None:
    offering_id = make_offering()
    until = NOON + timedelta(minutes=5)
    health.trip(offering_id, until, "test", now=NOON)

    assert facts().breaker_open_until == until


def test_the_number_of_queries_does_not_grow_with_the_offerings(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for provider in ("openai", "groq", "together", "mistral", "deepseek"):
        report(make_offering(provider=provider))

    with django_assert_max_num_queries(8):
        assert len(offering_facts(["m"], sandbox_only=False, now=NOON)) == 5


def test_the_first_version_is_the_programs_own_weights() -> None:
    found = current_weights(now=NOON)

    assert found.version_id == "rv_01m808tx000000000000000001"
    assert found == RouteWeights(version_id=found.version_id)
    assert weights_of(found.version_id) == found


def test_the_version_activated_last_is_in_force() -> None:
    RouteVersion.objects.create(
        public_id="rv_late",
        name="late",
        weights={"base": {"cost": 9.0}},
        activated_at=NOON + timedelta(days=1),
    )
    RouteVersion.objects.create(public_id="rv_draft", name="draft", weights={})

    assert current_weights(now=NOON).version_id == "rv_01m808tx000000000000000001"
    later = current_weights(now=NOON + timedelta(days=2))
    assert later.version_id == "rv_late"
    assert later.base == ScoreWeights(cost=9.0)


def test_without_any_version_the_programs_own_holds() -> None:
    RouteVersion.objects.all().delete()

    assert current_weights(now=NOON) == RouteWeights(version_id="rv_default")
    assert weights_of("rv_default") == RouteWeights()


def test_a_live_lane_is_not_judged_by_what_the_simulator_answered(
    settings: Settings,
) -> None:
    settings.PROVIDER_API_KEYS = {}
    settings.SANDBOX_PROVIDERS_URL = "http://127.0.0.1:9"
    offering_id = make_offering()
    health.record(offering_id, health.Calls(failures=30), now=NOON, is_sandbox=True)
    simulated = facts()
    settings.PROVIDER_API_KEYS = {"openai": "sk-test"}
    live = facts()

    assert (simulated.is_sandbox, simulated.observed_failures) == (True, 30.0)
    assert simulated.breaker_open_until is not None
    assert (live.is_sandbox, live.observed_failures) == (False, 0.0)
    assert live.breaker_open_until is None
