"""Each point of the price-deadline curve is a quote that can be accepted."""

from datetime import timedelta
from typing import Any

import pytest

from batches import decisions
from batches.models import Batch, Quote
from batches.services.submission import QuoteAccepted, QuoteExpired, submit_quote
from batches.services.sweeping import expire_quotes
from batchrouter.kit import clock
from batchrouter.kit.money import format_usd
from billing.models import Reservation
from catalog.models import Offering
from routing import health
from tests.batches.conftest import Customer
from tests.factories.batches import make_item, make_quote

Json = dict[str, Any]


def curve_of(quote: Quote) -> dict[str, Json]:
    """Return the points that a quote shows, by tier."""
    return {point["sla_tier"]: point for point in quote.reply["price_deadline_curve"]}


def point_of(quote: Quote, tier: str) -> Quote:
    """Return the stored quote behind a tier's point."""
    return Quote.objects.get(public_id=curve_of(quote)[tier]["quote_id"])


def accept(quote: Quote, **changes: Any) -> Batch:
    return submit_quote(
        **{
            "org": quote.org,
            "quote": quote,
            "api_key": None,
            "now": quote.created_at,
            **changes,
        }
    )


def test_the_quotes_own_tier_is_the_quote_itself(owner: Customer) -> None:
    quote = make_quote(owner.org, sla_tier="flex")

    own = curve_of(quote)["flex"]

    assert own["quote_id"] == quote.public_id
    assert own["total"] == quote.reply["pricing_estimate"]["total"]
    assert own["deadline_at"] == quote.reply["deadline_at"]


def test_each_other_point_is_a_quote_with_the_total_and_deadline_shown(
    owner: Customer,
) -> None:
    quote = make_quote(owner.org)

    for tier, hours in (("priority", 1), ("flex", 48)):
        point, shown = point_of(quote, tier), curve_of(quote)[tier]
        assert point.curve_of == quote
        assert point.spec["sla_tier"] == tier
        assert point.deadline_at == quote.created_at + timedelta(hours=hours)
        assert format_usd(point.total_nanousd) == shown["total"]
        assert point.valid_until == quote.valid_until


def test_a_point_has_a_plan_of_its_own_that_ends_at_its_deadline(
    owner: Customer,
) -> None:
    point = point_of(make_quote(owner.org), "priority")

    decision = decisions.from_json(point.decisions[0])

    assert {stage.mode for stage in decision.stages} == {"direct"}
    assert decision.stages[-1].leave_at <= point.deadline_at
    # 26 * 750 + 100 * 4,500: twice the batch lane's price.
    assert point.provider_subtotal_nanousd == 469_500


def test_beside_a_deadline_of_ones_own_every_tier_is_another_point(
    owner: Customer,
) -> None:
    in_a_day = clock.iso(clock.now() + timedelta(hours=24))
    quote = make_quote(owner.org, deadline_at=in_a_day)

    ids = {point["quote_id"] for point in curve_of(quote).values()}

    assert len(ids) == 3
    assert quote.public_id not in ids


def test_a_point_above_max_price_is_shown_and_not_offered(owner: Customer) -> None:
    quote = make_quote(owner.org, max_price="0.0003")

    hurried = curve_of(quote)["priority"]

    assert (hurried["total"], hurried["quote_id"]) == ("0.000497201", None)
    assert set(Quote.objects.values_list("spec__sla_tier", flat=True)) == {
        "standard",
        "flex",
    }


def test_a_point_that_leaves_items_without_a_lane_is_not_offered(
    owner: Customer,
) -> None:
    for lane in Offering.objects.filter(provider__key="openai", mode="direct"):
        health.trip(lane.pk, None, "test", now=clock.now(), is_sandbox=True)
    items = [make_item(0), make_item(1, model="deepseek-flash")]

    hurried = curve_of(make_quote(owner.org, items))["priority"]

    assert (hurried["item_count"], hurried["quote_id"]) == (1, None)


def test_accepting_a_point_reserves_its_total_and_takes_its_deadline(
    owner: Customer,
) -> None:
    point = point_of(make_quote(owner.org), "priority")

    batch = accept(point)

    assert batch.deadline_at == point.deadline_at
    assert Reservation.objects.get().amount_nanousd == point.total_nanousd == 497_201


@pytest.mark.parametrize("accepted", ["priority", "standard", "flex"])
def test_accepting_one_point_makes_the_others_void(
    owner: Customer, accepted: str
) -> None:
    quote = make_quote(owner.org)
    accept(point_of(quote, accepted))

    states = dict(Quote.objects.values_list("spec__sla_tier", "state"))
    assert states.pop(accepted) == "accepted"
    assert set(states.values()) == {"void"}


@pytest.mark.parametrize(
    ("first", "second"), [("flex", "standard"), ("standard", "flex")]
)
def test_a_void_point_is_refused_and_reserves_nothing(
    owner: Customer, first: str, second: str
) -> None:
    quote = make_quote(owner.org)
    accept(point_of(quote, first))

    with pytest.raises(QuoteAccepted):
        accept(point_of(quote, second))

    assert Batch.objects.count() == 1
    assert Reservation.objects.count() == 1


def test_accepting_a_point_leaves_other_quotes_alone(owner: Customer) -> None:
    other = make_quote(owner.org)
    accept(point_of(make_quote(owner.org), "flex"))

    assert {point_of(other, tier).state for tier in curve_of(other)} == {"active"}


def test_a_point_expires_with_its_quote(owner: Customer) -> None:
    quote = make_quote(owner.org)
    point = point_of(quote, "flex")

    with pytest.raises(QuoteExpired):
        accept(point, now=quote.valid_until)
    expire_quotes(now=quote.valid_until + timedelta(seconds=1))

    assert set(Quote.objects.values_list("state", flat=True)) == {"expired"}
    assert not Reservation.objects.exists()
