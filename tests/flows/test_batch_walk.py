"""A person works with a finished batch: looks, judges, runs again, verifies."""

import json
import os
import re

import pytest
from playwright.sync_api import Page, expect

from tests.flows.test_public_walk import OVERFLOW, WIDTHS, violations
from tests.support.browser import browsing, press
from tests.support.product import Product

pytestmark = [
    pytest.mark.processes,
    pytest.mark.browser,
    pytest.mark.skipif("CHROMIUM" not in os.environ, reason="there is no Chromium"),
]

HOSTILE = "<script>document.title = 'taken over'</script>\u202e\x1b " + "long " * 9000
# A batch of the simulator lasts seconds; the machine may be busy.
ENDED_SECONDS = 180.0
PARTS = (
    *("", "/results", "/rows/0", "/rows/1", "/review", "/webhooks"),
    "/receipts/route",
)


@pytest.fixture(scope="module")
def batch_id(shared_product: Product) -> str:
    """Two answers, two that want a person's eye, and one item that fails."""
    to_review = {"regex": "never said", "on_fail": "review"}
    wishes = [{}, to_review, {}, to_review, {"min_length": 90_000, "on_fail": "retry"}]
    made = shared_product.submit(
        [
            {
                "customer_item_id": f"row-{number}",
                "operation": "responses",
                "model": "deepseek-flash",
                "input": {"input": f"{number}: {HOSTILE}", "max_output_tokens": 400},
                **({"verify": verify} if verify else {}),
            }
            for number, verify in enumerate(wishes)
        ]
    )
    ended = shared_product.wait_for(made, seconds=ENDED_SECONDS)
    assert ended["counts"]["completed"] == 4, ended["counts"]
    return made


def log_in(page: Page, product: Product) -> None:
    account = json.loads(product.manage("make_demo"))
    page.goto("/login")
    page.get_by_label("Email").fill(account["email"])
    page.get_by_label("Password").fill(account["password"])
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/")


def test_every_page_of_a_batch_is_fit_for_everybody(
    shared_product: Product, batch_id: str
) -> None:
    with browsing(shared_product.address) as page:
        log_in(page, shared_product)
        for theme in ("Dark", "Light"):
            page.get_by_role("button", name=theme).click()
            html = page.locator("html")
            expect(html).to_have_attribute("data-theme", theme.lower())
            for part in PARTS:
                page.goto(f"/batches/{batch_id}{part}")
                for width in WIDTHS:
                    page.set_viewport_size({"width": width, "height": 900})
                    assert page.evaluate(OVERFLOW) <= 0, (part, width)
                assert violations(page) == [], part
                assert "taken over" not in page.title()


def test_a_person_works_with_a_batch_by_keys(
    shared_product: Product, batch_id: str
) -> None:
    with browsing(shared_product.address) as page:
        log_in(page, shared_product)
        page.goto(f"/batches/{batch_id}")
        _find_a_row(page)
        _walk_along_the_rows(page)
        _judge_all(page, batch_id)
        _verify_in_place(page, batch_id)
        _run_again(page, batch_id)


def _find_a_row(page: Page) -> None:
    page.get_by_role("link", name="Results", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Results")
    press(page, "/")
    page.keyboard.type("row-4")
    expect(page).to_have_url(re.compile("q=row-4"))
    expect(page.locator("#results")).not_to_contain_text("row-3")
    expect(page.locator("#results")).to_contain_text("verification_failed")
    page.get_by_label("Your id of the item contains").fill("")
    expect(page.locator("#results")).to_contain_text("row-3")
    # Pasted or spoken text comes without a key, and so does the field's own cross.
    page.get_by_label("Your id of the item contains").fill("row-2")
    expect(page.locator("#results")).not_to_contain_text("row-3")
    page.get_by_label("Your id of the item contains").fill("")
    expect(page.locator("#results")).to_contain_text("row-3")


def _walk_along_the_rows(page: Page) -> None:
    press(page, "Escape")
    press(page, "j")
    expect(page.get_by_role("link", name="row-0")).to_be_focused()
    press(page, "j", "j", "k")
    expect(page.get_by_role("link", name="row-1")).to_be_focused()
    press(page, "Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("row-1")
    press(page, "j")
    expect(page.get_by_role("heading", level=1)).to_have_text("row-2")


def _judge_all(page: Page, batch_id: str) -> None:
    page.goto(f"/batches/{batch_id}/review")
    expect(page.get_by_text("0 of 2 looked at")).to_be_visible()
    press(page, "?")
    listed = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(listed).to_contain_text("Reject the answer")
    press(page, "Escape")
    press(page, "r")
    expect(page.get_by_text("1 of 2 looked at")).to_be_visible()
    press(page, "e")
    expect(page.get_by_label("What it should have been")).to_be_focused()
    page.keyboard.type("a better answer")
    page.get_by_role("button", name="Save the correction").click()
    expect(page.get_by_text("2 of 2 looked at")).to_be_visible()


def _verify_in_place(page: Page, batch_id: str) -> None:
    page.goto(f"/batches/{batch_id}")
    page.get_by_role("link", name="Verify the billing receipt").click()
    card = page.locator("#receipt-billing")
    expect(card).to_contain_text("Genuine: signed here, and not changed since.")
    expect(page).to_have_url(re.compile(f"{batch_id}$"))


def _run_again(page: Page, batch_id: str) -> None:
    page.get_by_role("button", name="Quote a retry").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your quote")
    expect(page.get_by_text("This runs 1 unfinished item")).to_be_visible()
    page.get_by_role("button", name="Submit the batch").click()
    expect(page.get_by_text("A retry of")).to_be_visible()
    page.goto(f"/batches/{batch_id}")
    expect(page.get_by_role("heading", name="Retries")).to_be_visible()


def test_the_queue_works_without_javascript(
    shared_product: Product, batch_id: str
) -> None:
    with browsing(shared_product.address, without_javascript=True) as page:
        log_in(page, shared_product)
        page.goto(f"/batches/{batch_id}/review?rows=all&row=0")
        page.get_by_label("Reason or category").fill("as it should be")
        page.get_by_role("button", name="Accept").click()
        expect(page.get_by_text("row-0 is accepted.")).to_be_visible()
        page.get_by_role("link", name="Results", exact=True).click()
        page.get_by_label("Show").select_option("failed")
        page.get_by_role("button", name="Filter").click()
        expect(page.locator("#results")).to_contain_text("row-4")
        expect(page.locator("#results")).not_to_contain_text("row-0")
