"""The checkout page in Chromium, without JavaScript."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.stripe_standin.conftest import DECLINED, NewSession, Shop

CHROMIUM = os.environ.get("CHROMIUM")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium here"),
]


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"]
        )
        yield browser.new_context(java_script_enabled=False).new_page()
        browser.close()


def test_a_person_is_declined_and_pays_by_another_card(
    page: Page, shop: Shop, new_session: NewSession
) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    session = new_session(
        success_url=f"{shop.url}?paid={{CHECKOUT_SESSION_ID}}", cancel_url=shop.url
    )
    page.goto(str(session.url))
    page.get_by_label("Card number").fill(DECLINED)
    page.get_by_role("button", name="Pay $25.00").click()
    expect(page.get_by_role("alert")).to_have_text("Your card was declined.")
    complaints.clear()  # the declined page itself is a 402
    page.get_by_label("Card number").fill("4242 4242 4242 4242")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Thanks")).to_be_visible()

    assert page.url == f"{shop.url}?paid={session.id}"
    assert complaints == []


def test_a_person_may_turn_back(
    page: Page, shop: Shop, new_session: NewSession
) -> None:
    page.goto(str(new_session(cancel_url=shop.url).url))
    page.get_by_role("link", name="Cancel and go back").click()

    assert page.url == shop.url


def test_the_page_has_its_style(page: Page, new_session: NewSession) -> None:
    page.goto(str(new_session().url))

    expect(page.get_by_text("$25.00", exact=True).first).to_have_css(
        "font-size", "32px"
    )
