"""A customer buys credits in a browser, at the stand-in's hosted page."""

from playwright.sync_api import Page, expect

from batches.management.commands.make_demo import EMAIL, PASSWORD

GOOD_CARD = "4242 4242 4242 4242"


def log_in_to_billing(page: Page) -> None:
    """Log the demo's customer in."""
    page.goto("/login?next=/billing")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def choose_pack(page: Page, pack: str) -> None:
    """Go to the hosted page of a pack, such as "$25.00"."""
    page.goto("/billing")
    page.get_by_role("button", name=pack, exact=True).click()
    expect(page.get_by_text("Stand-in: no real money")).to_be_visible()
    expect(page.get_by_text(pack, exact=True).first).to_be_visible()


def pay(page: Page, card: str) -> None:
    """Pay on the hosted page."""
    page.get_by_label("Card number").fill(card)
    page.keyboard.press("Enter")
