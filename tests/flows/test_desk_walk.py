"""A member's own pages in a browser: fit for everybody, and a webhook set and tried."""

import os
import re

import pytest
from playwright.sync_api import Page, expect

from batches.management.commands.make_demo import EMAIL, PASSWORD
from tests.flows.test_public_walk import OVERFLOW, WIDTHS, violations
from tests.support.browser import browsing
from tests.support.product import Product
from tests.support.receiver import Answer, Receiver

pytestmark = [
    pytest.mark.processes,
    pytest.mark.browser,
    pytest.mark.skipif("CHROMIUM" not in os.environ, reason="there is no Chromium"),
]

PAGES = (
    *("/", "/billing", "/billing/ledger", "/billing/reservations", "/account"),
    *("/account/keys", "/account/members", "/account/webhooks"),
    *("/account/sessions", "/account/two-factor", "/reports", "/reports/imports"),
)


def test_a_member_sets_a_webhook_tries_it_and_looks_around(
    shared_product: Product,
) -> None:
    with Receiver() as receiver, browsing(shared_product.address) as page:
        receiver.answer = lambda _got: Answer(status=503)
        _log_in(page)
        _set(page, receiver.url)
        _send_a_test(page)
        expect(page.get_by_text("503")).to_be_visible()
        receiver.answer = lambda _got: Answer()
        # The second try comes ten seconds after the first.
        expect(page.get_by_text("It was taken.")).to_be_visible()
        page.get_by_role("button", name="Send it again").click()
        tries = page.get_by_role("cell", name="It was taken.", exact=True)
        expect(tries).to_have_count(2)
        tests = [got for got in receiver.got if got.json["type"] == "endpoint.test"]
        assert len({got.body for got in tests}) == 1
        _look_around(page, [*PAGES, page.url])
        _remove(page)


def test_the_webhook_is_set_without_javascript(shared_product: Product) -> None:
    with (
        Receiver() as receiver,
        browsing(shared_product.address, without_javascript=True) as page,
    ):
        _log_in(page)
        _set(page, receiver.url)
        _send_a_test(page)
        taken = page.get_by_text("It was taken.")
        while not taken.count():
            page.get_by_role("link", name="Refresh").click()
        _remove(page)


def _log_in(page: Page) -> None:
    page.goto("/login")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page).not_to_have_url(re.compile("/login"))


def _set(page: Page, url: str) -> None:
    page.goto("/account/webhooks")
    page.get_by_label("Address", exact=True).fill(url)
    page.get_by_role("button", name=re.compile("^(Set the webhook|Change it)$")).click()
    expect(page.locator("main")).to_contain_text(url)


def _send_a_test(page: Page) -> None:
    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_role("heading", name="Tries")).to_be_visible()


def _remove(page: Page) -> None:
    page.goto("/account/webhooks")
    page.get_by_text("Remove…").click()
    page.get_by_role("button", name="Remove the webhook").click()
    expect(page.get_by_text("The webhook is removed.")).to_be_visible()


def _look_around(page: Page, paths: list[str]) -> None:
    """See that pages are fit for everybody, in both themes and at every width."""
    for theme in ("Dark", "Light"):
        page.goto("/")
        page.get_by_role("button", name=theme).click()
        expect(page.locator("html")).to_have_attribute("data-theme", theme.lower())
        for path in paths:
            page.goto(path)
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                assert page.evaluate(OVERFLOW) <= 0, (path, width)
            assert violations(page) == [], path
