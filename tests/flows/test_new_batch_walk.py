"""A newcomer comes from the first page to settled batches, and reads no document."""

import os
import re

import pytest
from playwright.sync_api import FilePayload, Page, expect

from batches.management.commands import make_demo as demo
from tests.flows.test_public_walk import OVERFLOW, WIDTHS, violations
from tests.support.browser import browsing
from tests.support.product import Product

pytestmark = [
    pytest.mark.processes,
    pytest.mark.browser,
    pytest.mark.skipif("CHROMIUM" not in os.environ, reason="there is no Chromium"),
]

EMAIL = "new.batch@example.com"
PASSWORD = "a kettle under seven lanterns"
ORG = "Lantern makers"
# A batch of the simulator lasts two seconds; the machine may be busy.
ENDED_MS = 180_000
TABLE = "id,subject,body\nt1,Broken,It is down.\nt2,Lost,Where is it?\n"
WITHOUT_EMPTY_STYLES = """
document.querySelectorAll('[style=""]').forEach(one => one.removeAttribute("style"))
"""
SELECTED = "text => text.value.slice(text.selectionStart, text.selectionEnd)"


def test_a_newcomer_comes_from_the_first_page_to_settled_batches(
    shared_product: Product,
) -> None:
    with browsing(shared_product.address, expected="402 (Payment Required)") as page:
        _choose_a_workflow(page)
        _sign_up(page, shared_product)
        _get_a_quote(page)
        _look_at(page)
        _run_a_sample(page)
        _buy_nothing_yet(page)
        _get_credits(shared_product)
        _submit_sooner(page)


def test_a_table_becomes_a_batch_by_its_columns(shared_product: Product) -> None:
    with browsing(shared_product.address, expected="400 (Bad Request)") as page:
        _log_in(page)
        page.goto("/batches/new")
        page.get_by_label("A table").check()
        page.get_by_label("Text", exact=True).fill(TABLE + "t1,Late,Where is it?\n")
        page.get_by_role("button", name="Get a quote").click()
        expect(page.get_by_role("heading", name="The first item")).to_be_visible()
        page.get_by_label("Model of the prompts").select_option("gpt-5.4-mini")
        page.get_by_role("button", name="Put subject into the prompt").click()
        expect(page.locator("#first-item")).to_contain_text("It is down.Broken")
        _look_at(page)
        page.get_by_label("Id of each row").select_option("id")
        expect(page.locator("#first-item")).to_contain_text('"t1"')
        page.get_by_role("button", name="Get a quote").click()
        expect(page.locator("#refusals")).to_be_focused()
        expect(page.get_by_text("Line 2 has the same")).to_be_visible()
        page.get_by_role("link", name="Line 4", exact=True).click()
        text = page.get_by_label("Text", exact=True)
        expect(text).to_be_focused()
        assert text.evaluate(SELECTED) == "t1,Late,Where is it?"
        text.fill(TABLE)
        page.get_by_role("button", name="Get a quote").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your quote")
        expect(page.locator("#quote-main")).to_contain_text("Items 2")


def test_a_table_is_sent_and_mapped_without_javascript(
    shared_product: Product,
) -> None:
    with browsing(shared_product.address, without_javascript=True) as page:
        _log_in(page)
        page.goto("/batches/new")
        file: FilePayload = {
            "name": "tickets.txt",
            "mimeType": "text/plain",
            "buffer": TABLE.encode(),
        }
        page.get_by_label("Or a file").set_input_files(file)
        page.get_by_role("button", name="Get a quote").click()
        expect(page.get_by_label("Prompt of each row")).to_have_value("{{body}}")
        page.get_by_label("Model of the prompts").select_option("gpt-5.4-mini")
        page.get_by_role("button", name="Show it as it is now").click()
        expect(page.locator("#first-item")).to_contain_text("gpt-5.4-mini")
        page.get_by_role("button", name="Get a quote").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your quote")
        page.get_by_label("Deadline", exact=True).select_option("flex")
        page.get_by_role("button", name="Quote again").click()
        expect(page.get_by_label("Deadline", exact=True)).to_have_value("flex")


def _log_in(page: Page) -> None:
    page.goto("/login")
    page.get_by_label("Email").fill(demo.EMAIL)
    page.get_by_label("Password").fill(demo.PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()


def _choose_a_workflow(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="Workflows").first.click()
    page.get_by_role("link", name="Support ticket triage").first.click()
    page.get_by_role("link", name="Quote this").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")


def _sign_up(page: Page, product: Product) -> None:
    page.locator("main").get_by_role("link", name="Sign up").click()
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Organization").fill(ORG)
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mail")
    product.wait_until(lambda: _token(page) != "")
    page.goto(f"/signup/confirm?token={_token(page)}")
    page.get_by_role("button", name="Confirm my address").click()
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("New batch")
    expect(page.get_by_label("Text", exact=True)).to_have_value(
        re.compile("ticket_1041")
    )


def _token(page: Page) -> str:
    reply = page.request.get(f"/dev/inbox/token?to={EMAIL}")
    return reply.text().strip() if reply.ok else ""


def _get_a_quote(page: Page) -> None:
    _look_at(page)
    page.get_by_role("button", name="Get a quote").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your quote")
    expect(page.get_by_text("more is needed.")).to_be_visible()


def _look_at(page: Page) -> None:
    """See that a page is fit for everybody, in both themes and at every width."""
    for theme in ("Dark", "Light"):
        page.get_by_role("button", name=theme).click()
        expect(page.locator("html")).to_have_attribute("data-theme", theme.lower())
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate(OVERFLOW) <= 0, (page.url, width)
        assert violations(page) == [], page.url
        # axe leaves them behind, and htmx would write them again, which CSP refuses.
        page.evaluate(WITHOUT_EMPTY_STYLES)
    page.set_viewport_size({"width": 1600, "height": 900})


def _run_a_sample(page: Page) -> None:
    quote = page.url
    page.get_by_role("button", name="Try the first 5 rows free").click()
    _see_it_end(page)
    page.goto(quote)


def _buy_nothing_yet(page: Page) -> None:
    page.get_by_role("button", name="Submit the batch").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your quote")


def _get_credits(product: Product) -> None:
    find = f"Org.objects.get(name={ORG!r}).public_id"
    code = f"from accounts.models import Org; print({find})"
    org_id = product.manage("shell", "-v0", "-c", code).split()[-1]
    product.manage("grant_credits", org_id, "5.00", "--reason", "a walk")


def _submit_sooner(page: Page) -> None:
    """Change a wish, which asks for another quote at once, and submit that."""
    page.get_by_role("link", name="New batch").first.click()
    page.get_by_label("Plain text").check()
    page.get_by_label("Model of the prompts").select_option("gpt-5.4-mini")
    page.get_by_label("Text", exact=True).fill("Name a river.\nName a lake.")
    page.get_by_role("button", name="Get a quote").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your quote")
    first = page.url
    page.get_by_label("Deadline", exact=True).select_option("priority")
    expect(page).not_to_have_url(first)
    expect(page.get_by_label("Deadline", exact=True)).to_have_value("priority")
    page.get_by_role("button", name="Submit the batch").click()
    _see_it_end(page)


def _see_it_end(page: Page) -> None:
    expect(page).to_have_url(re.compile(r"/batches/batch_[0-9a-z]{26}$"))
    expect(page.get_by_role("heading", name="Receipts")).to_be_visible(timeout=ENDED_MS)
    expect(page.get_by_text("Finished.")).to_be_visible()
