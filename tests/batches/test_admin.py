"""What operators see of batches: everything that happened, nothing that was asked."""

import pytest
from django.test import Client

from batches.models import Batch, Execution, ResultRow
from batchrouter.kit import ids
from tests.batches.conftest import Customer
from tests.batches.engine.builders import (
    DIRECT,
    OTHER,
    dispatched,
    executions_of,
    make_texts,
    run_direct,
    units_of,
)
from tests.support.operators import operator_client
from tests.support.simulator import SimulatorProcess

LIST = "/admin/batches/batch/"


@pytest.fixture
def operator(owner: Customer) -> Client:  # who has the database
    return operator_client()


@pytest.fixture
def fallen_back(owner: Customer, simulator: SimulatorProcess) -> Batch:
    """Return a batch of three items that left its first lane for the second."""
    simulator.post_fault({"match": {"provider": "openai"}, "fault": {"kind": "401"}})
    batch = dispatched(owner.org, make_texts(*["canary-text"] * 3), DIRECT, OTHER)
    run_direct()
    return batch


def text_of(operator: Client, address: str) -> str:
    page = operator.get(address)
    assert page.status_code == 200
    return page.content.decode()


def follow(operator: Client, batch: Batch, name: str) -> str:
    return text_of(operator, f"{LIST}{batch.pk}/item/?name={name}")


def test_the_list_names_the_batch_its_owner_and_its_money(
    operator: Client, owner: Customer, fallen_back: Batch
) -> None:
    page = text_of(operator, LIST)
    assert fallen_back.public_id in page
    assert owner.org.name in page


def test_the_page_of_a_batch_tells_its_story_without_what_was_asked(
    operator: Client, fallen_back: Batch
) -> None:
    page = text_of(operator, f"{LIST}{fallen_back.pk}/change/")
    assert "judged by weights" in page
    assert "provider_credential" in page
    assert "canary-text" not in page


@pytest.mark.parametrize("form", ["number", "customer", "ours"])
def test_an_item_is_followed_by_any_of_its_names(
    operator: Client, fallen_back: Batch, form: str
) -> None:
    names = {
        "number": "1",
        "customer": "item-1",
        "ours": ids.item_id(fallen_back.public_id, 1),
    }
    page = follow(operator, fallen_back, names[form])
    refused, answered = executions_of(fallen_back)
    assert page.index(refused.public_id) < page.index(answered.public_id)
    assert page.count("its row is from here") == 1
    assert page.count("no answer that counts") == 1
    assert "3 \u00d7 provider_credential" in page
    assert units_of(fallen_back)[0].public_id in page
    assert "canary-text" not in page


def test_a_run_that_began_after_the_items_row_is_not_its_attempt(
    operator: Client, fallen_back: Batch
) -> None:
    last = executions_of(fallen_back)[-1]
    row = ResultRow.objects.get(batch_id=fallen_back.pk, seq=0)
    Execution.objects.filter(pk=last.pk).update(started_at=row.completed_at)
    later = Execution.objects.create(
        batch=fallen_back,
        unit=units_of(fallen_back)[0],
        stage=1,
        offering_id=last.offering_id,
        provider="openai",
        model="m",
        provider_model="m",
        mode="direct",
        item_count=3,
        state="planned",
        state_at=row.completed_at,
    )
    page = follow(operator, fallen_back, "0")
    assert (last.public_id in page, later.public_id in page) == (True, False)


@pytest.mark.parametrize(
    "name", ["3", "item-9", "999999999999", "item_" + "0" * 26, "\u0660"]
)
def test_an_item_that_is_not_there_is_said_to_be_missing(
    operator: Client, fallen_back: Batch, name: str
) -> None:
    page = follow(operator, fallen_back, name)
    assert f"has no item {name}" in page


def test_a_person_who_is_not_staff_follows_nothing(fallen_back: Batch) -> None:
    assert Client().get(f"{LIST}{fallen_back.pk}/item/?name=0").status_code == 302


def test_nobody_changes_a_batch(operator: Client, fallen_back: Batch) -> None:
    address = f"{LIST}{fallen_back.pk}/change/"
    assert operator.post(address, {"state": "completed"}).status_code == 403
    assert operator.post(f"{LIST}{fallen_back.pk}/delete/").status_code == 403
    fallen_back.refresh_from_db()
    assert fallen_back.state == "running"
