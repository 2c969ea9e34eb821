"""Operators switch a provider as a whole, with a reason that stays."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import OperatorAction
from batchrouter.kit import clock
from catalog.models import Offering, Provider
from console.operators.lanes import lane_table
from console.operators.providers import provider_page
from tests.console.operators.pages import words_of
from tests.factories.catalog import OfferingFactory, ProviderFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider() -> Provider:
    return ProviderFactory.create(key="acme", display_name="Acme")


@pytest.fixture
def offering(provider: Provider) -> Offering:
    return OfferingFactory.create(provider=provider, provider_model="swift")


def page_of(provider: Provider) -> str:
    return f"/admin/providers/{provider.pk}/"


def throw(client: Client, provider: Provider, action: str, reason: str) -> Any:
    form = {"action": action, "operator_reason": reason}
    return client.post(f"{page_of(provider)}switch/", form)


def test_a_provider_is_told_with_its_lanes(
    operator: Client, provider: Provider, offering: Offering
) -> None:
    OfferingFactory.create()

    words = words_of(operator, page_of(provider))

    assert "Acme on The provider Key acme" in words
    assert "1 lane How they fare acme swift direct global on" in words


def test_a_provider_is_switched_off_with_a_reason_that_the_log_keeps(
    ada: Client, provider: Provider, offering: Offering
) -> None:
    reply = throw(ada, provider, "switch_off", "It answers nonsense.")

    assert reply["Location"] == page_of(provider)
    provider.refresh_from_db()
    assert not provider.enabled
    noted = OperatorAction.objects.get()
    assert (noted.action, noted.reason) == ("switch_off", "It answers nonsense.")
    assert (noted.path, noted.status) == (f"{page_of(provider)}switch/", 302)
    assert "switch off by ada@example.com It answers nonsense." in words_of(
        ada, page_of(provider)
    )


def test_its_lanes_take_no_work_then_and_lead_to_its_switch(
    ada: Client, provider: Provider, offering: Offering
) -> None:
    throw(ada, provider, "switch_off", "It answers nonsense.")

    (line,) = lane_table({}, now=clock.now()).lines
    assert line.word == "provider off"
    lane = ada.get(f"/admin/lanes/{offering.pk}/").content.decode()
    assert f'<a href="{page_of(provider)}">The whole provider</a>' in lane


def test_a_provider_is_switched_on_again(ada: Client, provider: Provider) -> None:
    Provider.objects.update(enabled=False)

    throw(ada, provider, "switch_on", "It is mended.")

    provider.refresh_from_db()
    assert provider.enabled


def test_a_provider_is_marked_as_sanctioned_and_the_mark_is_lifted(
    ada: Client, provider: Provider
) -> None:
    throw(ada, provider, "sanction", "The list of today.")
    provider.refresh_from_db()
    assert (provider.enabled, provider.is_sanctioned) == (True, True)

    throw(ada, provider, "lift_sanction", "Off the list.")
    provider.refresh_from_db()
    assert (provider.enabled, provider.is_sanctioned) == (True, False)
    reasons = OperatorAction.objects.order_by("pk").values_list("action", "reason")
    assert list(reasons) == [
        ("sanction", "The list of today."),
        ("lift_sanction", "Off the list."),
    ]


def test_what_is_so_already_is_told(ada: Client, provider: Provider) -> None:
    throw(ada, provider, "switch_on", "To be sure.")

    assert "It was so already." in words_of(ada, page_of(provider))


@pytest.mark.parametrize("action", ["switch_off", "sanction"])
def test_without_a_reason_nothing_is_switched(
    ada: Client, provider: Provider, action: str
) -> None:
    reply = throw(ada, provider, action, "  ")

    assert reply.status_code == 400
    assert "Say why: the log keeps it." in reply.content.decode()
    provider.refresh_from_db()
    assert (provider.enabled, provider.is_sanctioned) == (True, False)


def test_what_is_neither_on_nor_off_is_refused(ada: Client, provider: Provider) -> None:
    assert throw(ada, provider, "over", "Why not.").status_code == 400
    provider.refresh_from_db()
    assert (provider.enabled, provider.is_sanctioned) == (True, False)


def test_a_lane_is_not_sanctioned(ada: Client, offering: Offering) -> None:
    form = {"action": "sanction", "operator_reason": "Why not."}

    assert ada.post(f"/admin/lanes/{offering.pk}/switch/", form).status_code == 400


def test_a_reason_is_text_to_every_page(ada: Client, provider: Provider) -> None:
    throw(ada, provider, "switch_off", "<script>alert(1)</script>")

    body = ada.get(page_of(provider)).content.decode()
    assert "&lt;script&gt;alert(1)" in body
    assert "<script>alert(1)" not in body


def test_a_switch_is_thrown_by_a_post_only(ada: Client, provider: Provider) -> None:
    assert ada.get(f"{page_of(provider)}switch/").status_code == 405


def test_a_provider_that_is_not_there_is_not_found(ada: Client) -> None:
    assert ada.get("/admin/providers/999999/").status_code == 404
    assert provider_page(999999, now=clock.now()) is None


def test_nobody_but_an_operator_with_the_right_switches_a_provider(
    clerk: Client, provider: Provider
) -> None:
    assert throw(Client(), provider, "switch_off", "It fails.").status_code == 302
    assert throw(clerk, provider, "switch_off", "It fails.").status_code == 403
    provider.refresh_from_db()
    assert provider.enabled
    assert "Your account may look, not switch." in words_of(clerk, page_of(provider))


def test_the_page_takes_few_queries_for_any_number_of_lanes(
    operator: Client, provider: Provider, django_assert_max_num_queries: Any
) -> None:
    OfferingFactory.create_batch(5, provider=provider)
    # The first page of a session also notes that it was seen.
    operator.get(page_of(provider))
    with django_assert_max_num_queries(12):
        assert operator.get(page_of(provider)).status_code == 200
