"""Operators ask and decide in the admin; the services do the rest."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.models import OperatorAction, Org
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


def _page() -> str:
    asked = OperatorRequest.objects.get()
    return reverse("admin:billing_operatorrequest_change", args=[asked.pk])


def _door() -> str:
    return _page().replace("/change/", "/decide/")


def _decide(client: Client, action: str) -> str:
    return client.post(_door(), {"action": action}, follow=True).content.decode()


def _words(body: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


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


def test_the_page_of_a_request_says_what_is_decided(org: Org) -> None:
    _ask(_operator("ada"), org, "75.00")
    words = _words(_operator("grace").get(_page()).content.decode())
    assert (
        f"Decide What Goodwill Amount 75.00 USD Organization {org} "
        "Reason An outage. Asked by operator:ada@example.com "
        "Approve and carry out Decline"
    ) in words


def test_another_operator_approves_it_on_its_page(org: Org) -> None:
    _ask(_operator("ada"), org, "75.00")
    assert "done." in _decide(_operator("grace"), "approve")
    asked = OperatorRequest.objects.get()
    assert asked.checker == "operator:grace@example.com"
    assert balance(org).available_nanousd == 75 * USD
    noted = OperatorAction.objects.order_by("pk").last()
    assert noted is not None
    assert (noted.action, noted.path) == ("approve", _door())


def test_another_operator_declines_it_on_its_page(org: Org) -> None:
    _ask(_operator("ada"), org, "75.00")
    assert "rejected." in _decide(_operator("grace"), "decline")
    asked = OperatorRequest.objects.get()
    assert asked.state == OperationState.REJECTED
    assert asked.checker == "operator:grace@example.com"
    assert balance(org).available_nanousd == 0


@pytest.mark.parametrize("action", ["approve", "decline"])
def test_the_maker_cannot_decide_it_on_its_page(org: Org, action: str) -> None:
    ada = _operator("ada")
    _ask(ada, org, "75.00")
    assert "Another person than the maker" in _decide(ada, action)
    assert OperatorRequest.objects.get().state == OperationState.REQUESTED
    assert balance(org).available_nanousd == 0


def test_a_request_is_decided_once(org: Org) -> None:
    _ask(_operator("ada"), org, "75.00")
    grace = _operator("grace")
    _decide(grace, "decline")
    page = _decide(grace, "approve")
    assert "rejected cannot become approved" in page
    assert "Approve and carry out" not in page
    assert OperatorRequest.objects.get().state == OperationState.REJECTED
    assert balance(org).available_nanousd == 0


def test_a_request_is_decided_by_a_post_that_says_how(org: Org) -> None:
    _ask(_operator("ada"), org, "75.00")
    grace = _operator("grace")
    assert grace.get(_door(), {"action": "approve"}).status_code == 405
    assert grace.post(_door(), {"action": "perhaps"}).status_code == 400
    assert OperatorRequest.objects.get().state == OperationState.REQUESTED


def test_whoever_may_only_look_is_shown_no_button_and_decides_nothing(
    org: Org,
) -> None:
    _ask(_operator("ada"), org, "75.00")
    user = UserFactory.create(is_staff=True)
    right = Permission.objects.get(codename="view_operatorrequest")
    user.user_permissions.add(right)
    clerk = Client()
    log_in_operator(clerk, user)
    page = clerk.get(_page())
    assert page.status_code == 200
    assert "Approve and carry out" not in page.content.decode()
    assert clerk.post(_door(), {"action": "approve"}).status_code == 403
    assert OperatorRequest.objects.get().state == OperationState.REQUESTED


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
