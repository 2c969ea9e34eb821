"""A person comes from nothing to a first batch, in a browser."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import browsing
from tests.support.product import Product

pytestmark = [
    pytest.mark.processes,
    pytest.mark.browser,
    pytest.mark.skipif("CHROMIUM" not in os.environ, reason="there is no Chromium"),
]

EMAIL = "grace@example.com"
PASSWORD = "a rear admiral and a moth"


def test_a_person_comes_from_nothing_to_a_first_batch(tmp_path: Path) -> None:
    with (
        Product(tmp_path, with_redis=False, WELCOME_CREDIT_USD="5") as product,
        browsing(product.address) as page,
    ):
        _sign_up(page)
        _confirm(page, product)
        _log_in(page)
        command = _make_a_key(page)
        _run(command)
        _see_the_batch(page)


def _sign_up(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="Sign up").first.click()
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Organization").fill("Compilers")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mail")


def _confirm(page: Page, product: Product) -> None:
    product.wait_until(lambda: any((product.var / "mail").glob("*.eml")))
    page.goto("/dev/inbox")
    page.get_by_role("link", name=re.compile("Confirm your address")).click()
    page.get_by_role("link", name=re.compile("signup.confirm")).click()
    page.get_by_role("button", name="Confirm my address").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")


def _log_in(page: Page) -> None:
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Compilers")
    expect(page.get_by_text("$5.00").first).to_be_visible()


def _make_a_key(page: Page) -> str:
    """Return the command that the page offers for a first batch."""
    page.goto("/account/keys")
    page.get_by_label("Name").fill("first")
    page.get_by_role("button", name="Create the key").click()
    secret = page.locator("#new-secret").inner_text()
    command = page.locator("pre code").inner_text()
    assert re.fullmatch(r"ob_live_[0-9A-Za-z]{36}", secret)
    page.goto("/account/keys")
    assert secret not in page.content()
    return f"export OB_API_KEY={secret}\n{command}"


def _run(command: str) -> None:
    done = subprocess.run(
        ["bash", "-euc", command], capture_output=True, text=True, check=True
    )
    assert '"object":"batch"' in done.stdout


def _see_the_batch(page: Page) -> None:
    page.goto("/batches")
    page.get_by_role("link", name=re.compile("^batch_")).first.click()
    # The page turns by itself.
    expect(page.get_by_text("first_001").first).to_be_visible(timeout=120_000)
    expect(page.get_by_text("completed", exact=False).first).to_be_visible()
