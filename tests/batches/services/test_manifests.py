"""From a request's body to a checked manifest."""

from datetime import timedelta
from typing import Any

import pytest

from batches.manifest.envelope import Spec
from batches.manifest.problems import InvalidManifest
from batches.services.manifests import take_manifest
from batchrouter.kit import clock
from batchrouter.kit.errors import InvalidRequest
from catalog.policies import UnknownRoutePolicy
from routing.contracts import Preferences
from tests.batches.conftest import Customer
from tests.factories.batches import make_items


def taken(customer: Customer, **wishes: Any) -> Spec:
    body = {"items": make_items(1), **wishes}
    return take_manifest(body, org=customer.org, now=clock.now())[0]


def test_a_policy_fills_in_what_the_manifest_leaves_open(owner: Customer) -> None:
    spec = taken(owner, route_policy="eu_confidential")

    assert spec.routing_mode == "sla_aware"
    assert spec.privacy_tier == "confidential"
    assert spec.allowed_regions == ("eu",)
    assert spec.preferences == Preferences(order=("mistral", "openai", "anthropic"))


def test_the_manifests_own_fields_win_over_its_policy(owner: Customer) -> None:
    spec = taken(
        owner,
        route_policy="eu_confidential",
        allowed_regions=["global"],
        provider_preferences={"only": ["openai"]},
    )

    assert spec.allowed_regions == ("global",)
    assert spec.preferences == Preferences(only=("openai",))
    assert spec.privacy_tier == "confidential"


def test_a_policys_tier_gives_way_to_a_deadline(owner: Customer) -> None:
    due = (clock.now() + timedelta(hours=5)).replace(microsecond=0)

    spec = taken(
        owner,
        route_policy="agent_main_thread_fast_async",
        deadline_at=due.isoformat(),
    )

    assert spec.deadline_at == due
    assert spec.preferences.max_latency_seconds == 300


def test_a_policys_tier_decides_the_deadline(owner: Customer) -> None:
    spec = taken(owner, route_policy="agent_main_thread_fast_async")

    assert spec.sla_tier == "priority"


def test_an_unknown_policy_is_refused(owner: Customer) -> None:
    with pytest.raises(UnknownRoutePolicy):
        taken(owner, route_policy="best_of_all")


def test_a_problem_of_the_envelope_comes_before_an_unknown_policy(
    owner: Customer,
) -> None:
    with pytest.raises(InvalidManifest):
        taken(owner, route_policy="best_of_all", sla_tier="soon")


def test_an_unknown_workflow_is_refused(owner: Customer) -> None:
    with pytest.raises(InvalidRequest) as caught:
        taken(owner, workflow="nothing")

    assert caught.value.param == "workflow"


def test_plain_http_webhooks_are_refused_in_production(
    owner: Customer, settings: Any
) -> None:
    delivery = {"webhook_url": "http://example.com/hook"}
    assert taken(owner, delivery=delivery).webhook_url == "http://example.com/hook"

    settings.APP_ENV = "production"
    with pytest.raises(InvalidManifest):
        taken(owner, delivery=delivery)
