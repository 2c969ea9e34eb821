"""Operators' pages open for staff with a second factor and the right only."""

import pytest
from django.test import Client

from catalog.models import Offering
from tests.factories.accounts import UserFactory
from tests.factories.catalog import OfferingFactory
from tests.support.operators import log_in_operator

pytestmark = pytest.mark.django_db

PAGES = ("/admin/dashboard/", "/admin/stuck/", "/admin/lanes/")


@pytest.fixture
def offering() -> Offering:
    return OfferingFactory.create()


def all_pages(offering: Offering) -> list[str]:
    provider = f"/admin/providers/{offering.provider_id}/"
    return [*PAGES, f"/admin/lanes/{offering.pk}/", provider]


def test_an_operator_opens_all_of_them(operator: Client, offering: Offering) -> None:
    for page in all_pages(offering):
        assert operator.get(page).status_code == 200, page


def test_visitors_and_customers_are_sent_away(offering: Offering) -> None:
    customer = Client()
    customer.force_login(UserFactory.create())
    for visitor in (Client(), customer):
        for page in all_pages(offering):
            reply = visitor.get(page)
            assert reply.status_code == 302
            assert reply["Location"].startswith("/admin/login/")


def test_staff_without_a_second_factor_is_sent_away(offering: Offering) -> None:
    visitor = Client()
    visitor.force_login(UserFactory.create(is_staff=True, is_superuser=True))
    for page in all_pages(offering):
        assert visitor.get(page).status_code == 302, page


def test_staff_without_the_right_is_refused(offering: Offering) -> None:
    visitor = Client()
    log_in_operator(visitor, UserFactory.create(is_staff=True))
    for page in all_pages(offering):
        assert visitor.get(page).status_code == 403, page


def test_nobody_but_an_operator_switches_a_lane(
    clerk: Client, offering: Offering
) -> None:
    page = f"/admin/lanes/{offering.pk}/switch/"
    form = {"action": "switch_off", "operator_reason": "It fails."}

    assert Client().post(page, form).status_code == 302
    assert clerk.post(page, form).status_code == 403
    offering.refresh_from_db()
    assert offering.enabled


def test_whoever_may_not_see_the_books_sees_no_money(
    clerk: Client, operator: Client
) -> None:
    money = "Money that waits for a second person"
    assert money in operator.get("/admin/dashboard/").content.decode()
    assert money not in clerk.get("/admin/dashboard/").content.decode()


def test_only_what_an_operator_may_open_is_linked(
    clerk: Client, operator: Client
) -> None:
    links = ("/admin/stuck/", "/admin/lanes/", "/admin/billing/ledgertransaction/")
    for visitor, shown in ((operator, [True] * 3), (clerk, [True, True, False])):
        body = visitor.get("/admin/dashboard/").content.decode()
        assert [f'href="{link}"' in body for link in links] == shown


@pytest.mark.parametrize("page", ["/admin/", "/admin/batches/batch/"])
def test_every_page_of_the_admin_leads_to_the_dashboard(
    operator: Client, page: str
) -> None:
    body = operator.get(page).content.decode()
    assert 'href="/admin/dashboard/"' in body


def test_the_header_of_the_console_leads_operators_there(
    operator: Client, offering: Offering
) -> None:
    customer = Client()
    customer.force_login(UserFactory.create())
    assert 'href="/admin/dashboard/"' in operator.get("/status").content.decode()
    assert 'href="/admin/dashboard/"' not in customer.get("/status").content.decode()
