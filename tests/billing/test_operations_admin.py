"""Operators ask and decide in the admin; the services do the rest."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Org
from batchrouter.kit.money import NANO_PER_USD
from billing.models import OperationState, OperatorRequest
from billing.selectors import balance
from tests.factories.accounts import OrgFactory, UserFactory
from tests.support.operators import log_in_operator

pytestmark = pytest.mark.django_db

USD = NANO_PER_USD
LIST = "admin:billing_operatorrequest_changelist"


@pytest.fixture
def org() -> Org:
    return OrgFactory.create()


def _operator(name: str) -> Client:
    client = Client()
    email = f"{name}@example.com"
    log_in_operator(
        client, UserFactory.create(email=email, is_staff=True, is_superuser=True)
    )
    return client


def _ask(client: Client, org: Org, amount: str, kind: str = "goodwill") -> str:
    reply = client.post(
        reverse("admin:billing_operatorrequest_add"),
        {
            "kind": kind,
            "org": org.pk,
            "reference": "",
            "debit_code": "",
            "credit_code": "",
            "reason": "An outage.",
            "amount_usd": amount,
            "refunds-TOTAL_FORMS": 0,
            "refunds-INITIAL_FORMS": 0,
        },
    )
    return "" if reply.status_code == 302 else reply.content.decode()


def _act(client: Client, action: str) -> str:
    chosen = list(OperatorRequest.objects.values_list("pk", flat=True))
    reply = client.post(
        reverse(LIST), {"action": action, "_selected_action": chosen}, follow=True
    )
    return reply.content.decode()


def test_a_request_is_asked_for_by_the_form(org: Org) -> None:
    assert _ask(_operator("ada"), org, "75.00") == ""
    asked = OperatorRequest.objects.get()
    assert (asked.maker, asked.state) == ("operator:ada@example.com", "requested")
    assert asked.amount_nanousd == 75 * USD
    assert balance(org).available_nanousd == 0


def test_another_operator_approves_it(org: Org) -> None:
    _ask(_operator("ada"), org, "75.00")
    assert "done." in _act(_operator("grace"), "approve_requests")
    asked = OperatorRequest.objects.get()
    assert asked.checker == "operator:grace@example.com"
    assert balance(org).available_nanousd == 75 * USD


def test_the_maker_cannot_approve_it(org: Org) -> None:
    ada = _operator("ada")
    _ask(ada, org, "75.00")
    assert "Another person than the maker" in _act(ada, "approve_requests")
    assert OperatorRequest.objects.get().state == OperationState.REQUESTED
    assert balance(org).available_nanousd == 0


def test_a_request_is_rejected(org: Org) -> None:
    _ask(_operator("ada"), org, "75.00")
    _act(_operator("grace"), "reject_requests")
    assert OperatorRequest.objects.get().state == OperationState.REJECTED


def test_what_the_service_refuses_stands_beside_the_form(org: Org) -> None:
    page = _ask(_operator("ada"), org, "0.001", kind="refund_card")
    assert "A card is refunded in whole cents." in page
    assert not OperatorRequest.objects.exists()


@pytest.mark.parametrize("amount", ["-5", "1e3", "five"])
def test_an_amount_that_is_no_decimal_is_refused(org: Org, amount: str) -> None:
    assert "is not a decimal" in _ask(_operator("ada"), org, amount)
    assert not OperatorRequest.objects.exists()


def test_a_request_opens_and_cannot_be_changed_or_deleted(org: Org) -> None:
    ada = _operator("ada")
    _ask(ada, org, "75.00")
    asked = OperatorRequest.objects.get()
    page = reverse("admin:billing_operatorrequest_change", args=[asked.pk])
    assert ada.get(page).status_code == 200
    assert ada.post(page, {"reason": "changed"}).status_code == 403
    delete = page.replace("/change/", "/delete/")
    assert ada.post(delete, {"post": "yes"}).status_code == 403
    asked.refresh_from_db()
    assert asked.reason == "An outage."
