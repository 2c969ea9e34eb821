"""Operators see how each lane fares, and switch one with a reason that stays."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import OperatorAction
from batchrouter.kit import clock
from catalog import health as catalog_health
from catalog.models import Offering
from console.operators.lanes import lane_page, lane_table
from routing import health, pace_store
from routing.pacing import PaceReport
from tests.console.operators.pages import words_of
from tests.factories.catalog import OfferingFactory, ProviderFactory

pytestmark = pytest.mark.django_db

LANES = "/admin/lanes/"


@pytest.fixture
def offering() -> Offering:
    return OfferingFactory.create(
        provider=ProviderFactory.create(key="acme"), provider_model="swift"
    )


def switch(client: Client, offering: Offering, way: str, reason: str) -> Any:
    form = {"action": f"switch_{way}", "operator_reason": reason}
    return client.post(f"{LANES}{offering.pk}/switch/", form)


def test_a_lane_at_work_is_told_in_a_line(operator: Client, offering: Offering) -> None:
    now = clock.now()
    health.record(offering.pk, health.Calls(successes=19, failures=1), now=now)
    health.record(offering.pk, health.Calls(successes=20), now=now - timedelta(days=10))
    catalog_health.fold_latencies(offering.pk, at=now, calls={4: 19, 12: 1})

    assert (
        "acme swift direct global on 95.00 % of 20 97.50 % of 40 20 / 20 ms 0"
        in words_of(operator, LANES)
    )


@pytest.mark.parametrize(
    ("columns", "word"),
    [
        ({"enabled": False}, "off"),
        ({"provider__enabled": False}, "provider off"),
        ({"provider__is_sanctioned": True}, "provider sanctioned"),
    ],
)
def test_a_line_tells_which_switch_is_off(columns: dict[str, bool], word: str) -> None:
    OfferingFactory.create(**columns)

    (line,) = lane_table({}, now=clock.now()).lines

    assert line.word == word


def test_a_lane_that_rests_comes_first_and_says_until_when(offering: Offering) -> None:
    now = clock.now()
    busy = OfferingFactory.create()
    health.record(busy.pk, health.Calls(successes=9), now=now)
    until = now + timedelta(minutes=7)
    health.trip(offering.pk, until, "too many failures", now=now)

    first, second = lane_table({}, now=now).lines

    assert (first.pk, first.word, first.until) == (offering.pk, "breaker open", until)
    assert (second.pk, second.word, second.until) == (busy.pk, "on", None)


def test_lanes_are_narrowed_by_provider_mode_and_trouble(offering: Offering) -> None:
    now = clock.now()
    off = OfferingFactory.create(mode="batch", enabled=False)

    def shown(**asked: str) -> set[int]:
        return {line.pk for line in lane_table(asked, now=now).lines}

    assert shown() == {offering.pk, off.pk}
    assert shown(provider="acme") == {offering.pk}
    assert shown(mode="batch") == {off.pk}
    assert shown(state="trouble") == {off.pk}
    assert shown(provider="nobody") == set()


def test_what_is_not_connected_is_no_lane() -> None:
    OfferingFactory.create(adapter="")

    assert lane_table({}, now=clock.now()).total == 0


def test_the_page_of_a_lane_tells_the_rest(offering: Offering) -> None:
    now = clock.now().replace(microsecond=0)
    pace_store.report(offering.pk, PaceReport(), ceiling_calls=48, now=now)
    health.trip(offering.pk, None, "quota", now=now)
    health.note_lane(offering.pk, failure_kinds=["no_answer"], now=now)

    shown = lane_page(offering.pk, now=now)

    assert shown is not None
    assert (shown.breaker, shown.breaker_reason) == ("open", "quota")
    assert shown.window_calls == 48
    assert shown.failures == (("no_answer", now),)


def test_a_lane_that_is_not_there_is_not_found(operator: Client) -> None:
    assert operator.get(f"{LANES}999999/").status_code == 404
    assert operator.get(LANES).status_code == 200


def test_a_lane_is_switched_off_with_a_reason_that_the_log_keeps(
    ada: Client, offering: Offering
) -> None:
    reply = switch(ada, offering, "off", "It answers nonsense.")

    assert reply["Location"] == f"{LANES}{offering.pk}/"
    offering.refresh_from_db()
    assert not offering.enabled
    noted = OperatorAction.objects.get()
    assert (noted.action, noted.reason) == ("switch_off", "It answers nonsense.")
    assert (noted.path, noted.status) == (f"{LANES}{offering.pk}/switch/", 302)
    assert "switch off by ada@example.com It answers nonsense." in words_of(
        ada, f"{LANES}{offering.pk}/"
    )


def test_a_lane_is_switched_on_again(ada: Client, offering: Offering) -> None:
    Offering.objects.update(enabled=False)

    switch(ada, offering, "on", "It is mended.")

    offering.refresh_from_db()
    assert offering.enabled


def test_without_a_reason_nothing_is_switched(ada: Client, offering: Offering) -> None:
    reply = switch(ada, offering, "off", "  ")

    assert reply.status_code == 400
    assert "Say why: the log keeps it." in reply.content.decode()
    offering.refresh_from_db()
    assert offering.enabled


def test_what_is_neither_on_nor_off_is_refused(ada: Client, offering: Offering) -> None:
    assert switch(ada, offering, "over", "Why not.").status_code == 400
    offering.refresh_from_db()
    assert offering.enabled


def test_a_reason_is_text_to_every_page(ada: Client, offering: Offering) -> None:
    switch(ada, offering, "off", "<script>alert(1)</script>")

    for page in (f"{LANES}{offering.pk}/", "/admin/accounts/operatoraction/"):
        body = ada.get(page).content.decode()
        assert "&lt;script&gt;alert(1)" in body
        assert "<script>alert(1)" not in body


def test_the_pages_take_few_queries_for_any_number_of_lanes(
    operator: Client, django_assert_max_num_queries: Any
) -> None:
    one, *_ = OfferingFactory.create_batch(5)
    # The first page of a session also notes that it was seen.
    operator.get(LANES)
    for page in (LANES, f"{LANES}{one.pk}/"):
        with django_assert_max_num_queries(12):
            assert operator.get(page).status_code == 200
