"""Loading is safe to repeat and adds a version where a price changed."""

import json
import shutil
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, transaction

from catalog.datafiles import DATA_DIR
from catalog.loading import load_catalog
from catalog.models import (
    ModelProfile,
    Offering,
    OfferingPrice,
    Provider,
    WorkflowProduct,
)
from catalog.selectors import price_in_force
from tests.catalog.conftest import NOON
from tests.factories.catalog import OfferingPriceFactory

LATER = NOON + timedelta(days=3)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A copy of the data files to change."""
    shutil.copytree(DATA_DIR, tmp_path, dirs_exist_ok=True)
    return tmp_path


def edit_price(files: Path, slug: str, /, **columns: Any) -> None:
    path = files / "model_prices.json"
    document = json.loads(path.read_bytes())
    (row,) = [row for row in document["models"] if row["model"] == slug]
    row.update(columns)
    path.write_text(json.dumps(document))


def mini_batch() -> Offering:
    return Offering.objects.get(
        provider__key="openai", model__slug="gpt-5.4-mini", mode="batch"
    )


@pytest.mark.usefixtures("loaded")
def test_every_offering_has_one_price() -> None:
    assert OfferingPrice.objects.count() == Offering.objects.count() > 100


@pytest.mark.usefixtures("loaded")
def test_loading_twice_changes_nothing() -> None:
    before = list(OfferingPrice.objects.order_by("pk").values_list("pk", flat=True))

    changes = load_catalog(now=LATER)

    after = list(OfferingPrice.objects.order_by("pk").values_list("pk", flat=True))
    assert changes == []
    assert after == before


@pytest.mark.usefixtures("loaded")
def test_a_changed_price_adds_a_version(files: Path) -> None:
    edit_price(files, "gpt-5.4-mini", batch_input_cost_per_token=3.5e-07)

    changes = load_catalog(now=LATER, data_dir=files)

    prices = mini_batch().prices.order_by("valid_from").values_list("input", flat=True)
    assert list(prices) == [375_000_000, 350_000_000]
    assert [change.action for change in changes] == ["priced"]


@pytest.mark.usefixtures("loaded")
def test_a_changed_price_holds_from_the_load_on(files: Path) -> None:
    edit_price(files, "gpt-5.4-mini", batch_input_cost_per_token=3.5e-07)

    load_catalog(now=LATER, data_dir=files)

    offering = mini_batch()
    just_before = LATER - timedelta(microseconds=1)
    assert price_in_force(offering.pk, just_before).input == 375_000_000
    assert price_in_force(offering.pk, LATER).input == 350_000_000


@pytest.mark.usefixtures("loaded")
def test_a_price_that_an_operator_read_later_stays() -> None:
    offering = mini_batch()
    OfferingPriceFactory.create(
        offering=offering, valid_from=LATER, input=1, as_of=date(2026, 11, 25)
    )

    changes = load_catalog(now=LATER + timedelta(days=1))

    assert changes == []
    assert price_in_force(offering.pk, LATER + timedelta(days=2)).input == 1


@pytest.mark.usefixtures("loaded")
def test_a_switched_off_offering_stays_off() -> None:
    Offering.objects.filter(pk=mini_batch().pk).update(enabled=False)

    load_catalog(now=LATER)

    assert not mini_batch().enabled


@pytest.mark.usefixtures("loaded")
def test_a_sanctioned_provider_stays_sanctioned() -> None:
    Provider.objects.filter(key="openai").update(is_sanctioned=True)

    load_catalog(now=LATER)

    assert Provider.objects.get(key="openai").is_sanctioned


@pytest.mark.usefixtures("loaded")
def test_a_changed_fact_is_named_with_both_values() -> None:
    Provider.objects.filter(key="openai").update(retention_days=7)

    (change,) = load_catalog(now=LATER)

    assert str(change) == "changed: provider openai (retention_days: 7 -> 30)"


@pytest.mark.usefixtures("loaded")
def test_a_row_that_the_files_do_not_name_is_kept_and_reported() -> None:
    offering = OfferingPriceFactory.create().offering

    actions = {change.action for change in load_catalog(now=LATER)}

    assert actions == {"not in the files"}
    assert Offering.objects.get(pk=offering.pk).enabled


@pytest.mark.django_db
def test_a_dry_run_writes_nothing() -> None:
    changes = load_catalog(now=NOON, dry_run=True)

    assert len(changes) > 300
    assert not ModelProfile.objects.exists()


@pytest.mark.django_db
def test_files_that_contradict_themselves_write_nothing(files: Path) -> None:
    edit_price(files, "gpt-5.4", model="gpt-5.5555")

    with pytest.raises(CommandError, match=r"gpt-5\.5555"):
        call_command("load_catalog", data=files)

    assert not Provider.objects.exists()


@pytest.mark.django_db
def test_the_command_prints_what_it_did() -> None:
    out = StringIO()

    call_command("load_catalog", stdout=out)

    lines = out.getvalue().splitlines()
    assert "added: provider openai" in lines
    assert lines[-1] == f"{len(lines) - 1} differences."


@pytest.mark.usefixtures("loaded")
def test_the_retired_model_carries_its_date() -> None:
    model = ModelProfile.objects.get(slug="meta-llama/Llama-3.3-70B-Instruct-Turbo")

    assert model.deprecates_at is not None
    assert model.deprecates_at.date() == date(2026, 10, 22)


@pytest.mark.usefixtures("loaded")
def test_a_price_row_cannot_be_updated() -> None:
    with (
        pytest.raises(IntegrityError, match="append-only: UPDATE refused"),
        transaction.atomic(),
    ):
        mini_batch().prices.update(input=1)

    assert mini_batch().prices.get().input == 375_000_000


@pytest.mark.usefixtures("loaded")
def test_a_price_row_cannot_be_deleted() -> None:
    with (
        pytest.raises(IntegrityError, match="append-only: DELETE refused"),
        transaction.atomic(),
    ):
        mini_batch().prices.all().delete()

    assert mini_batch().prices.count() == 1


@pytest.mark.usefixtures("loaded")
def test_an_offering_stands_once() -> None:
    offering = mini_batch()
    offering.pk, offering.public_id = None, "off_another"

    with pytest.raises(IntegrityError, match="offering_once"), transaction.atomic():
        offering.save(force_insert=True)


@pytest.mark.usefixtures("loaded")
def test_products_are_loaded_with_their_first_version() -> None:
    assert set(WorkflowProduct.objects.values_list("version", flat=True)) == {1}
