"""The binding price of a checked manifest."""

from datetime import timedelta

import pytest

from batches.services.quoting import MaxPriceExceeded, NoEligibleLane
from batchrouter.kit import clock
from tests.batches.conftest import Customer
from tests.factories.batches import make_item, make_items, make_quote


def test_the_ceiling_is_every_token_at_the_selected_lane(owner: Customer) -> None:
    quote = make_quote(owner.org)

    # 10 counted tokens and 16 of overhead at 0.375, 100 of output at 2.25 USD per
    # million: 26 * 375 + 100 * 2,250 nano-dollars.
    assert quote.provider_subtotal_nanousd == 234_750


def test_the_fee_is_590_basis_points_rounded_up(owner: Customer) -> None:
    quote = make_quote(owner.org)

    # 234,750 * 0.059 is 13,850.25.
    assert (quote.fee_bps, quote.fee_nanousd) == (590, 13_851)
    assert quote.total_nanousd == 248_601


def test_an_item_without_a_cap_gets_the_models_default(owner: Customer) -> None:
    quote = make_quote(owner.org, [make_item(input="Say hello.")])

    cap = quote.decisions[0]["terms"]["default_cap"]
    assert quote.provider_subtotal_nanousd == 26 * 375 + cap * 2_250
    assert quote.reply["work_units"][0]["default_max_output_tokens"] == cap


def test_the_expected_total_is_not_above_the_ceiling(owner: Customer) -> None:
    quote = make_quote(owner.org, make_items(20))

    assert 0 < quote.expected_total_nanousd <= quote.total_nanousd


def test_a_workflow_costs_its_own_fee(owner: Customer) -> None:
    quote = make_quote(owner.org, workflow="classify-support-tickets")

    assert quote.fee_bps == 1180


def test_a_lane_outside_the_regions_is_refused_with_its_reason(
    owner: Customer,
) -> None:
    with pytest.raises(NoEligibleLane) as caught:
        make_quote(owner.org, allowed_regions=["us"])

    (group,) = caught.value.details["groups"]
    assert group["items"] == ["0-0"]
    assert {lane["code"] for lane in group["lanes"]} == {"region_not_allowed"}
    assert all(lane["reason"] for lane in group["lanes"])


def test_restricted_privacy_is_refused_where_no_lane_offers_it(
    owner: Customer,
) -> None:
    with pytest.raises(NoEligibleLane) as caught:
        make_quote(owner.org, privacy_tier="restricted")

    (group,) = caught.value.details["groups"]
    assert {lane["code"] for lane in group["lanes"]} == {"privacy_not_met"}


def test_skip_quotes_the_rest_and_names_what_it_left_out(owner: Customer) -> None:
    items = [make_item(0), make_item(1, model="deepseek-flash")]

    quote = make_quote(owner.org, items, privacy_tier="confidential", on_invalid="skip")

    assert quote.item_count == 1
    assert quote.reply["skipped_count"] == 1
    (left_out,) = quote.reply["skipped"]
    assert left_out["code"] == "no_eligible_lane"
    assert left_out["items"] == ["1-1"]


def test_a_total_above_max_price_is_refused(owner: Customer) -> None:
    with pytest.raises(MaxPriceExceeded) as caught:
        make_quote(owner.org, max_price="0.0002486")

    assert caught.value.details == {"total": "0.000248601", "max_price": "0.0002486"}


def test_a_total_at_max_price_is_quoted(owner: Customer) -> None:
    assert make_quote(owner.org, max_price="0.000248601").total_nanousd == 248_601


def test_hurrying_costs_more_and_waiting_less_or_as_much(owner: Customer) -> None:
    curve = make_quote(owner.org).reply["price_deadline_curve"]

    assert [point["sla_tier"] for point in curve] == ["priority", "standard", "flex"]
    totals = [float(point["total"]) for point in curve]
    assert totals[0] >= totals[1] >= totals[2]


def test_a_quote_holds_for_ten_minutes(owner: Customer) -> None:
    quote = make_quote(owner.org)

    assert quote.valid_until - quote.created_at == timedelta(minutes=10)
    assert quote.deadline_at - clock.now() > timedelta(hours=23)
