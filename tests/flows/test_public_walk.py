"""Every public page in a browser: for everybody, at every width, from one host."""

import os
import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.console.public_pages import PUBLIC_PAGES
from tests.support.browser import browsing, press
from tests.support.product import Product

pytestmark = [
    pytest.mark.processes,
    pytest.mark.browser,
    pytest.mark.skipif("CHROMIUM" not in os.environ, reason="there is no Chromium"),
]

# One of each kind; what other tests hold for all of them is not looked at again.
LEFT_OUT = {"/docs/javascript", "/docs/python", "/docs/agents", "/docs/receipts"}
PAGES = (
    *(path for path in PUBLIC_PAGES if "?" not in path and path not in LEFT_OUT),
    *("/login", "/receipts/verify", "/dev/components"),
)
WIDTHS = (1600, 1024, 390)
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def violations(page: Page, *, preload: bool = True) -> list[Any]:
    """Return what axe finds, each with the elements it is about.

    Args:
        page: the page.
        preload: let axe read imported style sheets, for what a rotated phone shows.
    """
    found = Axe().run(page, options={"preload": preload}).response["violations"]
    return [(one["id"], [node["target"] for node in one["nodes"]]) for one in found]


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_every_public_page_is_fit_for_everybody(
    theme: str, shared_product: Product
) -> None:
    foreign: list[str] = []
    with browsing(shared_product.address) as page:
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((shared_product.address, "data:"))
                else foreign.append(request.url)
            ),
        )
        page.goto("/login")
        page.get_by_role("button", name=theme).click()
        html = page.locator("html")
        expect(html).to_have_attribute("data-theme", theme.lower())
        for path in PAGES:
            page.goto(path)
            # The choice came with the page.
            assert html.get_attribute("data-theme") == theme.lower()
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                assert page.evaluate(OVERFLOW) <= 0, (path, width)
            assert violations(page) == [], path
    assert foreign == []


def test_the_theme_is_chosen_without_javascript(shared_product: Product) -> None:
    with browsing(shared_product.address, without_javascript=True) as page:
        page.goto("/pricing?items=5&input_tokens=1&output_tokens=1&model=gpt-5.4-mini")
        page.get_by_role("button", name="Dark").click()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        assert "items=5" in page.url


def test_keys_lead_through_the_site(shared_product: Product) -> None:
    with browsing(shared_product.address) as page:
        page.goto("/")
        press(page, "?")
        listed = page.get_by_role("dialog", name="Keyboard shortcuts")
        expect(listed).to_contain_text("Models")
        press(page, "Escape")
        expect(listed).to_be_hidden()
        press(page, "g", "m")
        expect(page.get_by_role("heading", level=1)).to_have_text("Models and prices")
        press(page, "/")
        page.keyboard.type("opus")
        expect(page).to_have_url(re.compile("q=opus"))
        expect(page.locator("#results")).not_to_contain_text("GPT-5.4 mini")
        expect(page.get_by_label("Search")).to_have_value("opus")


def test_times_are_told_in_the_readers_zone(shared_product: Product) -> None:
    with browsing(shared_product.address) as page:
        page.goto("/status")
        shown = page.locator("time[data-moment]").first
        expect(shown).to_have_class("is-local")
        assert (shown.get_attribute("title") or "").endswith(" UTC")
        expect(page.locator("[data-zone]")).to_contain_text("Times are in")
