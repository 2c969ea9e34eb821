"""A newer price map is compared first, and adds dated versions once approved."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from batchrouter.kit import clock
from catalog.datafiles import DATA_DIR
from catalog.models import Mode, Offering, OfferingPrice
from catalog.pricefile import read_price_file
from catalog.repricing import JumpsNotAllowed, Repricing, sync_prices
from tests.catalog.conftest import NOON
from tests.factories.catalog import (
    OfferingFactory,
    OfferingPriceFactory,
    ProviderFactory,
)

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(days=3)


@pytest.fixture
def offering() -> Offering:
    """A direct lane at 0.75 in, 0.075 cached, 4.50 out."""
    offering = OfferingFactory.create(
        provider=ProviderFactory.create(key="acme"), provider_model="swift"
    )
    OfferingPriceFactory.create(offering=offering)
    return offering


def row(**columns: Any) -> dict[str, Any]:
    """A row that says what the offering's price says, but for ``columns``."""
    return {
        "model": "swift",
        "provider": "acme",
        "mode": "chat",
        "input_cost_per_token": 7.5e-07,
        "output_cost_per_token": 4.5e-06,
        "cache_read_input_token_cost": 7.5e-08,
        "batch_input_cost_per_token": None,
        "batch_output_cost_per_token": None,
        "batch_cache_read_input_token_cost": None,
        "batch_price_basis": "none: provider has no batch API",
        "context_window": 272_000,
        "max_output_tokens": 128_000,
        "flags": {},
        "native_batch_api": False,
        "source": "https://provider.example/prices",
    } | columns


def price_map(*rows: dict[str, Any], as_of: str = "2026-11-24") -> bytes:
    meta = {
        "extracted_on": as_of,
        "currency": "USD",
        "unit": "per token unless named otherwise",
    }
    return json.dumps({"_meta": meta, "models": rows}, indent=1).encode()


def sync(
    *rows: dict[str, Any], as_of: str = "2026-11-24", **options: bool
) -> Repricing:
    file = read_price_file(price_map(*rows, as_of=as_of), today=LATER.date())
    return sync_prices(file, now=LATER, **options)


def told(found: Repricing) -> list[tuple[str, str | None, str]]:
    return [(seen.action, seen.mode, seen.detail) for seen in found.differences]


def inputs(offering: Offering) -> list[int]:
    rows = offering.prices.order_by("valid_from")
    return list(rows.values_list("input", flat=True))


def test_a_changed_price_is_shown_in_percent(offering: Offering) -> None:
    found = sync(row(input_cost_per_token=9e-07))

    (difference,) = found.differences
    (move,) = difference.moves
    assert (difference.action, difference.provider, difference.model) == (
        "changed",
        "acme",
        "swift",
    )
    assert (move.name, move.old, move.new) == ("input", 750_000_000, 900_000_000)
    assert (move.percent, move.is_jump) == (Decimal("20.0"), False)


def test_nothing_is_written_without_approval(offering: Offering) -> None:
    found = sync(row(input_cost_per_token=9e-07))

    assert found.version_count == 1
    assert inputs(offering) == [750_000_000]


def test_an_approved_price_is_a_version_from_now_on(offering: Offering) -> None:
    sync(row(input_cost_per_token=9e-07), approve=True)

    first, second = offering.prices.order_by("valid_from")
    assert (first.input, first.as_of) == (750_000_000, date(2026, 1, 1))
    assert (second.input, second.as_of) == (900_000_000, date(2026, 11, 24))
    assert second.valid_from == LATER


def test_the_same_file_adds_nothing_the_second_time(offering: Offering) -> None:
    sync(row(input_cost_per_token=9e-07), approve=True)

    again = sync(row(input_cost_per_token=9e-07), approve=True)

    assert (again.differences, again.version_count) == ([], 0)
    assert inputs(offering) == [750_000_000, 900_000_000]


def test_an_unchanged_price_gets_the_day_of_the_new_reading(
    offering: Offering,
) -> None:
    found = sync(row(), approve=True)

    assert told(found) == [("confirmed", "direct", "read again on 2026-11-24")]
    days = offering.prices.order_by("valid_from").values_list("as_of", flat=True)
    assert list(days) == [date(2026, 1, 1), date(2026, 11, 24)]


def test_a_price_that_an_operator_read_later_is_kept(offering: Offering) -> None:
    found = sync(row(input_cost_per_token=9e-07), as_of="2025-12-31", approve=True)

    assert told(found) == [
        ("kept", "direct", "the price was read on 2026-01-01, later than the file")
    ]
    assert inputs(offering) == [750_000_000]


def test_a_price_that_is_set_for_later_is_kept(offering: Offering) -> None:
    OfferingPriceFactory.create(
        offering=offering, valid_from=LATER + timedelta(days=1), input=800_000_000
    )

    found = sync(row(input_cost_per_token=9e-07), approve=True)

    assert told(found) == [
        ("kept", "direct", "another price is set from 2026-11-26 on")
    ]
    assert inputs(offering) == [750_000_000, 800_000_000]


@pytest.mark.parametrize(
    ("usd_per_token", "is_jump"),
    [
        pytest.param(2.25e-06, False, id="three times"),
        pytest.param(2.26e-06, True, id="more than three times"),
        pytest.param(7.5e-08, False, id="a tenth"),
        pytest.param(7.4e-08, True, id="less than a tenth"),
        pytest.param(0, True, id="nothing"),
    ],
)
def test_a_jump_is_told_from_a_change(
    offering: Offering, usd_per_token: float, *, is_jump: bool
) -> None:
    found = sync(row(input_cost_per_token=usd_per_token))

    assert bool(found.jumps) is is_jump


def test_a_jump_is_refused_and_takes_the_other_prices_with_it(
    offering: Offering,
) -> None:
    other = OfferingFactory.create(provider=offering.provider, provider_model="calm")
    OfferingPriceFactory.create(offering=other)

    with pytest.raises(JumpsNotAllowed):
        sync(
            row(input_cost_per_token=7.5e-06),
            row(model="calm", input_cost_per_token=8e-07),
            approve=True,
        )

    assert inputs(offering) == inputs(other) == [750_000_000]


def test_a_jump_is_taken_where_that_is_allowed(offering: Offering) -> None:
    sync(row(input_cost_per_token=7.5e-06), approve=True, allow_jumps=True)

    assert inputs(offering) == [750_000_000, 7_500_000_000]


def test_a_tier_that_comes_is_compared_with_what_held_there(
    offering: Offering,
) -> None:
    tier = {
        "input_cost_per_token": 1.5e-06,
        "cache_read_input_token_cost": 7.5e-08,
        "output_cost_per_token": 4.5e-06,
    }

    found = sync(row(long_context_tiers={"above_200k_tokens": tier}))

    (difference,) = found.differences
    (move,) = difference.moves
    assert move.name == "input above 200000 tokens"
    assert (move.old, move.new) == (750_000_000, 1_500_000_000)


def test_a_lane_that_the_file_does_not_price_is_gone_and_keeps_its_price(
    offering: Offering,
) -> None:
    batch = OfferingFactory.create(
        provider=offering.provider, provider_model="swift", mode=Mode.BATCH
    )
    OfferingPriceFactory.create(offering=batch)

    found = sync(row(), approve=True)

    assert ("gone", "batch", "the last price holds on") in told(found)
    assert inputs(batch) == [750_000_000]


def test_a_new_model_is_told_and_makes_no_offering(offering: Offering) -> None:
    found = sync(row(), row(model="bold"), approve=True)

    new = found.differences[-1]
    assert (new.action, new.provider, new.model) == ("new", "acme", "bold")
    assert list(Offering.objects.all()) == [offering]


def test_a_deprecation_is_told_and_left_to_the_data_files(
    offering: Offering,
) -> None:
    found = sync(row(deprecation_date="2027-01-31"), approve=True)

    assert ("deprecation", "direct", "no date -> 2027-01-31") in told(found)
    offering.refresh_from_db()
    assert offering.deprecates_at is None


def test_an_offering_without_a_price_gets_its_first() -> None:
    offering = OfferingFactory.create(
        provider=ProviderFactory.create(key="acme"), provider_model="swift"
    )

    found = sync(row(), approve=True)

    assert told(found) == [("first", "direct", "had no price")]
    assert inputs(offering) == [750_000_000]


@pytest.mark.usefixtures("loaded")
def test_the_map_that_was_loaded_changes_nothing() -> None:
    before = OfferingPrice.objects.count()
    data = (DATA_DIR / "model_prices.json").read_bytes()

    file = read_price_file(data, today=NOON.date())
    found = sync_prices(file, now=LATER, approve=True)

    assert {seen.action for seen in found.differences} <= {"deprecation"}
    assert OfferingPrice.objects.count() == before


Write = Callable[[bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(data: bytes) -> Path:
        path = tmp_path / "prices.json"
        path.write_bytes(data)
        return path

    return to_file


def run(path: Path, **options: bool) -> str:
    out = StringIO()
    call_command("sync_prices", str(path), stdout=out, **options)
    return out.getvalue()


def yesterday() -> str:
    return (clock.now() - timedelta(days=1)).date().isoformat()


def test_the_command_prints_each_rate_and_writes_nothing(
    offering: Offering, write: Write
) -> None:
    path = write(price_map(row(input_cost_per_token=9e-07), as_of=yesterday()))

    lines = run(path).splitlines()

    assert lines == [
        "changed: acme swift direct (input 0.75 -> 0.90 USD per Mtok (+20.0%))",
        "1 price versions to add; nothing was written. Approve: --approve",
    ]
    assert inputs(offering) == [750_000_000]


def test_the_command_adds_versions_once_approved(
    offering: Offering, write: Write
) -> None:
    path = write(price_map(row(input_cost_per_token=9e-07), as_of=yesterday()))

    lines = run(path, approve=True).splitlines()

    assert lines[-1] == "1 price versions added."
    assert inputs(offering) == [750_000_000, 900_000_000]


def test_the_command_prints_json(offering: Offering, write: Write) -> None:
    path = write(price_map(row(output_cost_per_token=1.8e-05), as_of=yesterday()))

    assert json.loads(run(path, json=True)) == {
        "approved": False,
        "version_count": 1,
        "differences": [
            {
                "action": "changed",
                "provider": "acme",
                "model": "swift",
                "mode": "direct",
                "detail": "",
                "rates": [
                    {
                        "rate": "output",
                        "old_usd_per_mtok": "4.50",
                        "new_usd_per_mtok": "18.00",
                        "percent": "300.0",
                        "is_jump": True,
                    }
                ],
            }
        ],
    }


def test_the_command_names_the_jump_that_it_refuses(
    offering: Offering, write: Write
) -> None:
    path = write(price_map(row(output_cost_per_token=1.8e-05), as_of=yesterday()))

    with pytest.raises(CommandError, match=r"\+300\.0%\), a jump.*\n.*--allow-jumps"):
        run(path, approve=True)

    assert inputs(offering) == [750_000_000]


def test_the_command_refuses_a_faulty_file_by_line(
    offering: Offering, write: Write
) -> None:
    path = write(price_map(row(input_cost_per_token=-1e-07), as_of=yesterday()))

    with pytest.raises(CommandError, match="line 8: acme swift: input_cost_per_token"):
        run(path, approve=True)

    assert inputs(offering) == [750_000_000]


def test_the_command_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        run(tmp_path / "nothing.json")
