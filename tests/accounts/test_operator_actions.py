"""Whatever an operator does in the admin is written down first, and stays."""

import pytest
from django.db import DatabaseError, transaction
from django.test import Client

from accounts.models import OperatorAction, Org, User
from tests.factories.accounts import OrgFactory, UserFactory
from tests.support.operators import log_in_operator, operator_client

pytestmark = pytest.mark.django_db

ORGS = "/admin/accounts/org/"


@pytest.fixture
def operator() -> Client:
    return operator_client()


def suspend(operator: Client, *orgs: Org) -> None:
    keys = [org.pk for org in orgs]
    operator.post(ORGS, {"action": "suspend", "_selected_action": keys})


def test_an_action_on_a_list_is_noted_with_its_rows_and_its_answer(
    operator: Client,
) -> None:
    one, two = OrgFactory.create(), OrgFactory.create()
    suspend(operator, one, two)

    noted = OperatorAction.objects.get()
    assert (noted.path, noted.action, noted.status) == (ORGS, "suspend", 302)
    assert noted.objects_chosen == [str(one.pk), str(two.pk)]
    assert noted.operator == User.objects.get(is_superuser=True)
    assert (noted.ip, noted.request_id[:4]) == ("127.0.0.1", "req_")


def test_a_form_is_noted_by_the_names_of_its_fields_never_by_their_values(
    operator: Client,
) -> None:
    org = OrgFactory.create(name="Before")
    form = {
        "name": "Canary-7f3a",
        "_save": "Save",
        "membership_set-TOTAL_FORMS": "0",
        "membership_set-INITIAL_FORMS": "0",
    }
    operator.post(f"{ORGS}{org.pk}/change/", form)

    noted = OperatorAction.objects.get()
    assert noted.action == "save"
    assert "name" in noted.fields
    assert "Canary" not in str(OperatorAction.objects.values().get())
    org.refresh_from_db()
    assert org.name == "Canary-7f3a"


def test_a_reason_is_kept_word_for_word(operator: Client) -> None:
    operator.post(
        ORGS, {"action": "suspend", "operator_reason": "Fraud.\0" + "x" * 500}
    )

    assert OperatorAction.objects.get().reason == "Fraud." + "x" * 294


def test_looking_is_not_noted(operator: Client) -> None:
    assert operator.get(ORGS).status_code == 200
    assert not OperatorAction.objects.exists()


def test_a_refused_action_is_noted_with_its_refusal() -> None:
    visitor = Client()
    log_in_operator(visitor, UserFactory.create(is_staff=True))
    org = OrgFactory.create()
    suspend(visitor, org)

    assert OperatorAction.objects.get().status == 403
    org.refresh_from_db()
    assert not org.is_suspended


def test_nobody_without_a_second_factor_gets_as_far_as_a_note() -> None:
    visitor = Client()
    visitor.force_login(UserFactory.create(is_staff=True, is_superuser=True))
    org = OrgFactory.create()
    suspend(visitor, org)

    assert not OperatorAction.objects.exists()
    org.refresh_from_db()
    assert not org.is_suspended


def test_hostile_names_are_cut_and_lose_their_nul(operator: Client) -> None:
    operator.post(ORGS, {"action": "a\0" + "b" * 500, "_selected_action": ["\0x"]})

    noted = OperatorAction.objects.get()
    assert noted.action == "a" + "b" * 79
    assert noted.objects_chosen == ["x"]


@pytest.mark.parametrize(
    "column", ["path", "action", "reason", "status", "objects_chosen"]
)
def test_the_database_refuses_to_change_a_note(operator: Client, column: str) -> None:
    suspend(operator, OrgFactory.create())
    before = OperatorAction.objects.values().get()

    with pytest.raises(DatabaseError, match="kept as they are"), transaction.atomic():
        OperatorAction.objects.update(**{column: 500 if column == "status" else "x"})
    assert OperatorAction.objects.values().get() == before


def test_the_database_refuses_to_remove_a_note(operator: Client) -> None:
    suspend(operator, OrgFactory.create())

    with pytest.raises(DatabaseError, match="kept as they are"), transaction.atomic():
        OperatorAction.objects.all().delete()
    assert OperatorAction.objects.count() == 1


def test_operators_read_the_notes_and_cannot_edit_them(operator: Client) -> None:
    org = OrgFactory.create()
    suspend(operator, org)
    noted = OperatorAction.objects.get()

    page = operator.get("/admin/accounts/operatoraction/").content.decode()
    assert ("suspend" in page, str(org.pk) in page) == (True, True)
    address = f"/admin/accounts/operatoraction/{noted.pk}/change/"
    assert operator.get(address).status_code == 200
    assert operator.post(address, {"path": "/else"}).status_code == 403
    noted.refresh_from_db()
    assert noted.path == ORGS
