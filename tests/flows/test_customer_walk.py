"""A customer's whole way in a browser: from the sign-up to the report."""

import json
import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import browsing, press
from tests.support.product import Product

pytestmark = [
    pytest.mark.processes,
    pytest.mark.browser,
    pytest.mark.skipif("CHROMIUM" not in os.environ, reason="there is no Chromium"),
]

EMAIL = "whole.way@example.com"
PASSWORD = "nine herons over a frozen lake"
CARD = "4242 4242 4242 4242"
# The simulator needs seconds; the machine may be busy.
LONG_MS = 240_000
# Of the items one is refused by the provider, and one answer is too long.
PROMPTS = ("Name a river.", "Name a lake.", "Name a sea. [[sim:400]]", "Name a bay.")


def test_a_customer_goes_the_whole_way(tmp_path: Path) -> None:
    with Product(tmp_path / "product", with_redis=False, with_stripe=True) as product:
        with browsing(product.address) as page:
            _sign_up(page, product)
            _buy_credits(page)
            _submit_a_file(page, tmp_path)
            batch_url = _watch_it_end(page)
            _open_a_row(page)
            page.goto(batch_url)
            _reject_one(page)
            page.goto(batch_url)
            _retry(page)
            page.goto(batch_url)
            _download(page)
            _verify_a_receipt(page)
            _read_the_report(page)
        assert "all hold" in product.manage("ledger_reconcile")


def _title(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text, timeout=LONG_MS)


def _sign_up(page: Page, product: Product) -> None:
    page.goto("/")
    page.get_by_role("link", name="Sign up").first.click()
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Organization").fill("Herons")
    page.get_by_role("button", name="Sign up").click()
    _title(page, "Look into your mail")
    product.wait_until(lambda: _token(page) != "")
    page.goto(f"/signup/confirm?token={_token(page)}")
    page.get_by_role("button", name="Confirm my address").click()
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page).not_to_have_url(re.compile("/login"))


def _token(page: Page) -> str:
    reply = page.request.get(f"/dev/inbox/token?to={EMAIL}")
    return reply.text().strip() if reply.ok else ""


def _buy_credits(page: Page) -> None:
    page.goto("/billing")
    page.get_by_role("button", name="$25.00", exact=True).click()
    page.get_by_label("Card number").fill(CARD)
    page.keyboard.press("Enter")
    _title(page, "Your credits are there")


def _submit_a_file(page: Page, folder: Path) -> None:
    file = folder / "waters.ndjson"
    lines = [json.dumps(_item(number, text)) for number, text in enumerate(PROMPTS)]
    file.write_text("\n".join(lines))
    page.goto("/batches/new")
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Get a quote").click()
    _title(page, "Your quote")
    page.get_by_role("button", name="Submit the batch").click()


def _item(number: int, text: str) -> dict[str, object]:
    item: dict[str, object] = {
        "customer_item_id": f"water-{number}",
        "operation": "responses",
        "model": "gpt-5.4-mini",
        "input": {"input": text, "max_output_tokens": 60},
    }
    if number == 1:
        item["verify"] = {"max_length": 3, "on_fail": "review"}
    return item


def _watch_it_end(page: Page) -> str:
    """The page moves by itself, and shows the whole of it once it has ended."""
    expect(page).to_have_url(re.compile(r"/batches/batch_[0-9a-z]{26}$"))
    expect(page.get_by_role("heading", name="Receipts")).to_be_visible(timeout=LONG_MS)
    return page.url


def _open_a_row(page: Page) -> None:
    page.get_by_role("link", name="water-0").click()
    _title(page, "water-0")
    expect(page.get_by_text("Name a river.").first).to_be_visible()
    expect(page.get_by_role("heading", name="Attempts")).to_be_visible()


def _reject_one(page: Page) -> None:
    page.get_by_role("link", name="Review").first.click()
    expect(page.get_by_role("heading", name="water-1")).to_be_visible()
    press(page, "r")
    expect(page.get_by_text("1 of 1 looked at")).to_be_visible()


def _retry(page: Page) -> None:
    parent = page.url.rpartition("/")[2]
    page.get_by_role("button", name="Quote a retry").click()
    _title(page, "Your quote")
    page.get_by_role("button", name="Submit the batch").click()
    _watch_it_end(page)
    page.get_by_role("link", name=parent).click()
    expect(page.get_by_role("heading", name="Retries")).to_be_visible()


def _download(page: Page) -> None:
    with page.expect_download() as started:
        page.get_by_role("link", name="Download output").click()
    rows = started.value.path().read_text().splitlines()
    assert {json.loads(row)["customer_item_id"] for row in rows} == {
        "water-0",
        "water-3",
    }


def _verify_a_receipt(page: Page) -> None:
    page.get_by_role("link", name="Verify the billing receipt").click()
    expect(page.get_by_text("Genuine: signed here")).to_be_visible()


def _read_the_report(page: Page) -> None:
    page.get_by_role("link", name="Reports").first.click()
    _title(page, "Report")
    expect(page.get_by_role("heading", name="In plain words")).to_be_visible()
