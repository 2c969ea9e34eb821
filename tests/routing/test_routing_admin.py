import pytest
from django.contrib.admin import site
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import User
from routing import health
from routing.models import OfferingHealth, RouteVersion, RoutingOutcome
from tests.factories.catalog import OfferingFactory
from tests.routing.values import NOON
from tests.support.operators import log_in_operator

pytestmark = pytest.mark.django_db


def test_a_version_that_was_in_force_cannot_be_changed(rf: RequestFactory) -> None:
    row = RouteVersion.objects.get(name="first")
    fields = site.get_model_admin(RouteVersion).get_readonly_fields(rf.get("/"), row)

    assert {"weights", "activated_at", "public_id"} <= set(fields)


def test_a_draft_can_be_changed(rf: RequestFactory) -> None:
    row = RouteVersion(name="draft")
    fields = site.get_model_admin(RouteVersion).get_readonly_fields(rf.get("/"), row)

    assert "weights" not in fields


@pytest.mark.parametrize("model", [OfferingHealth, RoutingOutcome])
def test_what_was_observed_is_read_only(
    rf: RequestFactory, model: type[OfferingHealth | RoutingOutcome]
) -> None:
    admin = site.get_model_admin(model)
    request = rf.get("/")

    assert not admin.has_add_permission(request)
    assert not admin.has_change_permission(request)
    assert not admin.has_delete_permission(request)


@pytest.mark.urls("tests.routing.admin_urls")
def test_an_operator_closes_a_breaker(client: Client) -> None:
    operator = User.objects.create_superuser("op@example.com", "a long password")
    log_in_operator(client, operator)
    offering = OfferingFactory.create()
    health.trip(offering.pk, None, "test", now=NOON)

    client.post(
        reverse("admin:routing_offeringhealth_changelist"),
        {"action": "close_breakers", "_selected_action": [offering.pk]},
    )
    assert OfferingHealth.objects.get().breaker_open_until is None
