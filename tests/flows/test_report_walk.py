"""Past jobs are imported in a browser, and stand in the report."""

import os
import re

import pytest
from playwright.sync_api import FilePayload, Page, expect

from batches.management.commands.make_demo import EMAIL, PASSWORD
from tests.batches.imports.files import lines, response_line
from tests.flows.test_public_walk import OVERFLOW, violations
from tests.support.browser import browsing
from tests.support.product import Product

pytestmark = [
    pytest.mark.processes,
    pytest.mark.browser,
    pytest.mark.skipif("CHROMIUM" not in os.environ, reason="there is no Chromium"),
]


@pytest.mark.parametrize("without_javascript", [False, True])
def test_a_file_is_imported_and_reported(
    without_javascript: bool, shared_product: Product
) -> None:
    with browsing(
        shared_product.address, without_javascript=without_javascript
    ) as page:
        _log_in(page)
        _send(page, lines([response_line(1), response_line(2)]) + b"{\n")
        while without_javascript and not page.get_by_text("What it taught").count():
            page.get_by_role("link", name="Refresh").click()
        expect(page.get_by_role("heading", name="What it taught")).to_be_visible()
        expect(page.get_by_role("heading", name="Bad lines")).to_be_visible()
        if not without_javascript:
            _is_fit(page)
        page.get_by_role("link", name="See it in the report").click()
        expect(page.locator("main")).to_contain_text("Imported jobs at list price")
        expect(page.locator("main")).to_contain_text("$0.0012")
        if not without_javascript:
            _is_fit(page)
        page.go_back()
        page.get_by_text("Delete…").click()
        page.get_by_role("button", name="Delete this import").click()
        expect(page.get_by_text("The import is gone")).to_be_visible()


def _log_in(page: Page) -> None:
    page.goto("/login")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page).not_to_have_url(re.compile("/login"))


def _send(page: Page, data: bytes) -> None:
    page.goto("/reports/imports")
    file = FilePayload(name="past.jsonl", mimeType="application/jsonl", buffer=data)
    page.get_by_label("File of past jobs").set_input_files(file)
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("past.jsonl")


def _is_fit(page: Page) -> None:
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(OVERFLOW) <= 0, width
    assert violations(page) == []
