"""``manage.py replay``."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from batches.models import Batch, Quote
from batchrouter.kit.money import format_usd
from tests.batches.conftest import Customer
from tests.factories.batches import make_batch, make_item, make_items, run_batch

Json = dict[str, Any]


def replayed(batch: Batch, *options: str) -> str:
    out = StringIO()
    call_command("replay", batch.public_id, *options, stdout=out)
    return out.getvalue()


def as_data(batch: Batch, *options: str) -> Json:
    found: Json = json.loads(replayed(batch, "--json", *options))
    return found


def test_every_group_is_the_same_byte_for_byte(owner: Customer) -> None:
    batch = make_batch(owner.org, [make_item(0), make_item(1, model="gpt-5.4")])

    told = as_data(batch)

    assert told["identical"] is True
    assert told["groups"] == [
        {"group_no": 0, "differences": []},
        {"group_no": 1, "differences": []},
    ]
    assert told["totals"] == []
    assert "group 1: the same, byte for byte" in replayed(batch)


def test_a_difference_fails_loudly_and_is_named(owner: Customer) -> None:
    batch = make_batch(owner.org)
    batch.quote.decisions[0]["expected_nanousd"] += 1
    batch.quote.save(update_fields=["decisions"])
    out = StringIO()

    with pytest.raises(CommandError, match="not the stored decision"):
        call_command("replay", batch.public_id, stdout=out)

    assert "expected_nanousd: " in out.getvalue()


def test_a_total_that_is_not_the_sum_is_named(owner: Customer) -> None:
    batch = make_batch(owner.org)
    total = batch.quote.total_nanousd
    Quote.objects.filter(pk=batch.quote_id).update(total_nanousd=total + 1)
    out = StringIO()

    with pytest.raises(CommandError):
        call_command("replay", batch.public_id, stdout=out)

    assert f"total_nanousd: {total + 1} stored, {total} replayed" in out.getvalue()


def test_weights_that_are_gone_are_named(owner: Customer) -> None:
    batch = make_batch(owner.org)
    Quote.objects.filter(pk=batch.quote_id).update(route_version_id="rv_gone")

    with pytest.raises(CommandError, match="no route version 'rv_gone'"):
        call_command("replay", batch.public_id)


def test_an_unknown_batch_or_policy_is_refused(owner: Customer) -> None:
    with pytest.raises(CommandError, match="no batch batch_1"):
        call_command("replay", "batch_1")
    with pytest.raises(CommandError, match="no policy 'cheap'"):
        call_command("replay", make_batch(owner.org).public_id, "--policy", "cheap")


@pytest.mark.usefixtures("simulator")
def test_a_backtest_prices_what_was_settled(owner: Customer) -> None:
    batch = run_batch(make_batch(owner.org, make_items(2), sla_tier="priority"))

    told = as_data(batch, "--policy", "flex")

    (group,) = told["groups"]
    assert group["stored"]["mode"] == "direct"
    assert group["policy"]["mode"] == "batch"
    assert group["policy"]["model"] == "gpt-5.4-mini"
    assert group["delivered_items"] == 2
    assert told["settled_total"]["stored"] == format_usd(batch.charged_nanousd or 0)
    subtotal = float(group["settled"]["stored"])
    assert float(group["settled"]["policy"]) == pytest.approx(subtotal / 2, abs=1e-8)
    table = replayed(batch, "--policy", "flex")
    assert "gpt-5.4-mini at openai (batch)" in table
    assert "settled total with fee" in table
