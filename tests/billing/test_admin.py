"""Operators see money and can change none of it."""

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from accounts.models import User
from billing import models
from billing.freeze import freeze_money
from billing.receipts import issue_receipt
from billing.reconcile import reconcile
from tests.factories.billing import NOON, ReservationFactory
from tests.support.operators import log_in_operator

pytestmark = pytest.mark.django_db

SHOWN = [
    models.Grant,
    models.LedgerAccount,
    models.LedgerTransaction,
    models.MoneyFreeze,
    models.Receipt,
    models.ReconcileRun,
    models.Reservation,
]
Shown = type[
    models.Grant
    | models.LedgerAccount
    | models.LedgerTransaction
    | models.MoneyFreeze
    | models.Receipt
    | models.ReconcileRun
    | models.Reservation
]


@pytest.fixture
def operator() -> Client:
    """A superuser, who may do whatever the admin allows to anybody."""
    held = ReservationFactory.create()
    issue_receipt(org=held.org, kind="billing", purpose="p:1", document={}, now=NOON)
    reconcile(freeze=False, now=NOON)
    freeze_money(reason="a drill", now=NOON)
    client = Client()
    log_in_operator(client, User.objects.create_superuser("operator@example.com", "x"))
    return client


def _list_of(model: Shown) -> str:
    return reverse(f"admin:billing_{model._meta.model_name}_changelist")


def _page_of(model: Shown) -> str:
    newest = model._default_manager.order_by("-pk").first()
    assert newest is not None
    return reverse(f"admin:billing_{model._meta.model_name}_change", args=[newest.pk])


@pytest.mark.parametrize("model", SHOWN)
def test_the_list_opens(operator: Client, model: Shown) -> None:
    assert operator.get(_list_of(model)).status_code == 200


@pytest.mark.parametrize("model", SHOWN)
def test_the_row_opens(operator: Client, model: Shown) -> None:
    assert operator.get(_page_of(model)).status_code == 200


@pytest.mark.parametrize("model", SHOWN)
def test_even_a_superuser_cannot_change_a_row(operator: Client, model: Shown) -> None:
    assert operator.post(_page_of(model), {"reason": "changed"}).status_code == 403


@pytest.mark.parametrize("model", SHOWN)
def test_even_a_superuser_cannot_delete_a_row(operator: Client, model: Shown) -> None:
    page = _page_of(model).replace("/change/", "/delete/")
    assert operator.post(page, {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("model", SHOWN)
def test_even_a_superuser_cannot_add_a_row(operator: Client, model: Shown) -> None:
    path = reverse(f"admin:billing_{model._meta.model_name}_add")
    assert operator.post(path, {}).status_code == 403


def test_the_accounts_show_the_sum_of_their_postings(operator: Client) -> None:
    page = operator.get(_list_of(models.LedgerAccount)).content.decode()
    assert "expense:goodwill" in page
    assert '<td class="field-sum_of_postings">50.00</td>' in page
    assert '<td class="field-sum_of_postings">40.00</td>' in page


def test_every_money_table_is_shown() -> None:
    # Postings and legs are shown within their transaction and reservation; a chain's
    # head is no more than its newest receipt.
    elsewhere = {
        models.Posting,
        models.ReservationLeg,
        models.ReceiptChain,
        models.PulledSession,
    }
    registered = {
        model
        for model in admin.site._registry
        if model.__module__.startswith("billing")
    }
    assert registered | elsewhere == {
        model
        for name in models.__all__
        if issubclass(model := getattr(models, name), Model)
    }
