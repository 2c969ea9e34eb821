"""Files on their way into a new batch: dropped, sent slowly, canceled, and kept."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import CDPSession, FilePayload, JSHandle, Page, expect

from batches.management.commands import make_demo as demo
from tests.factories.batches import lines_of, make_items
from tests.flows.test_public_walk import OVERFLOW, WIDTHS, violations
from tests.support.browser import browsing
from tests.support.product import Product

pytestmark = [
    pytest.mark.processes,
    pytest.mark.browser,
    pytest.mark.skipif("CHROMIUM" not in os.environ, reason="there is no Chromium"),
]

NAME = "waters.ndjson"
SLOW_BYTES_PER_SECOND = 100_000
# Some twenty seconds at that speed, of which a test waits for the first bytes only.
LARGE = lines_of(make_items(12_000))
SIZE = f"{len(LARGE) / 1024**2:.1f} MiB"
WITH_FILE = """
([name, text]) => {
  const dragged = new DataTransfer();
  dragged.items.add(new File([text], name));
  return dragged;
}
"""
CHOSEN = "input => [...input.files].map(file => file.name)"


def test_a_file_that_is_dropped_on_its_zone_is_quoted(shared_product: Product) -> None:
    with _new_batch(shared_product) as page:
        zone, dragged = page.locator(".drop-zone"), _dragged(page, NAME, 5)
        zone.dispatch_event("dragover", {"dataTransfer": dragged})
        expect(zone).to_contain_class("is-over")
        zone.dispatch_event("dragleave", {"dataTransfer": dragged})
        expect(zone).not_to_contain_class("is-over")
        zone.dispatch_event("drop", {"dataTransfer": dragged})
        expect(zone).not_to_contain_class("is-over")
        expect(zone.locator("[data-chosen]")).to_have_text(f"{NAME}, 660 B")
        assert page.get_by_label("Or a file").evaluate(CHOSEN) == [NAME]
        page.get_by_role("button", name="Get a quote").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your quote")
        expect(page.locator("#quote-main")).to_contain_text("Items 5")


def test_a_file_dropped_later_takes_the_place_of_the_first(
    shared_product: Product,
) -> None:
    with _new_batch(shared_product) as page:
        zone = page.locator(".drop-zone")
        for name in ("wines.ndjson", NAME):
            dragged = _dragged(page, name, 1)
            zone.dispatch_event("drop", {"dataTransfer": dragged})
        assert page.get_by_label("Or a file").evaluate(CHOSEN) == [NAME]


def test_an_upload_tells_how_far_it_is(shared_product: Product) -> None:
    with _new_batch(shared_product) as page:
        network = _slowed(page)
        _send(page)
        bar = page.get_by_role("progressbar", name="Upload")
        expect(bar).to_be_visible()
        heard = page.locator("[data-upload-heard]")
        expect(heard).to_have_role("status")
        expect(heard).to_have_text(f"Sending {NAME}, {SIZE}.")
        expect(page.locator("[data-upload-told]")).to_contain_text(f"of {SIZE}")
        share = float(bar.get_attribute("value") or 0)
        assert 0 < share < 1
        expect(page.get_by_role("button", name="Get a quote")).to_be_disabled()
        _look_at(page)
        _speed_up(network)
        expect(heard).to_have_text("All sent. Checking every line.")
        expect(page.get_by_role("heading", level=1)).to_have_text("Your quote")
        expect(page.locator("#quote-main")).to_contain_text("Items 12,000")


def test_an_upload_is_canceled_and_sent_again(shared_product: Product) -> None:
    # htmx writes to the console that a request was stopped.
    with _new_batch(shared_product, expected="htmx:") as page:
        before = _files(shared_product)
        network = _slowed(page)
        _send(page)
        expect(page.locator("[data-upload-told]")).to_contain_text(f"of {SIZE}")
        page.get_by_role("button", name="Cancel").press("Enter")
        told = page.locator("[data-upload-end]")
        expect(told).to_have_text("Canceled. Nothing was kept.")
        expect(told).to_have_role("status")
        expect(page.get_by_role("progressbar")).to_be_hidden()
        quote = page.get_by_role("button", name="Get a quote")
        expect(quote).to_be_enabled()
        expect(quote).to_be_focused()
        assert _files(shared_product) == before
        _speed_up(network)
        assert page.get_by_label("Or a file").evaluate(CHOSEN) == [NAME]
        quote.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your quote")


@pytest.mark.parametrize("without_javascript", [False, True])
def test_a_chosen_file_is_kept_while_a_wish_is_mended(
    without_javascript: bool, shared_product: Product
) -> None:
    with _new_batch(shared_product, without_javascript=without_javascript) as page:
        page.get_by_label("Or a file").set_input_files(
            _payload(lines_of(make_items(5)))
        )
        page.get_by_label("Most you would pay").fill("cheap")
        page.get_by_role("button", name="Get a quote").click()
        expect(page.get_by_text("5 items, kept")).to_be_visible()
        expect(page.get_by_label("Most you would pay")).to_have_value("cheap")
        other = page.get_by_label("Another file")
        expect(other).to_be_hidden()
        page.get_by_text("Choose another file").click()
        expect(other).to_be_visible()
        if not without_javascript:
            _look_at(page)
        page.get_by_label("Most you would pay").fill("25")
        page.get_by_role("button", name="Get a quote").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your quote")
        expect(page.locator("#quote-main")).to_contain_text("Items 5")


@contextmanager
def _new_batch(
    product: Product,
    *,
    without_javascript: bool = False,
    expected: str = "400 (Bad Request)",
) -> Iterator[Page]:
    with browsing(
        product.address,
        without_javascript=without_javascript,
        expected=expected,
    ) as page:
        page.goto("/login?next=/batches/new")
        page.get_by_label("Email").fill(demo.EMAIL)
        page.get_by_label("Password").fill(demo.PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("New batch")
        yield page


def _dragged(page: Page, name: str, items: int) -> JSHandle:
    """Return what a browser hands over where a file of so many items is dragged."""
    text = lines_of(make_items(items)).decode()
    return page.evaluate_handle(WITH_FILE, [name, text])


def _payload(data: bytes) -> FilePayload:
    return {"name": NAME, "mimeType": "application/x-ndjson", "buffer": data}


def _send(page: Page) -> None:
    page.get_by_label("Or a file").set_input_files(_payload(LARGE))
    page.get_by_role("button", name="Get a quote").click()


def _files(product: Product) -> str:
    """Return how many files all organizations have."""
    code = "from batches.models import StoredFile; print(StoredFile.objects.count())"
    return product.manage("shell", "-v0", "-c", code).split()[-1]


def _slowed(page: Page) -> CDPSession:
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    _limit(network, SLOW_BYTES_PER_SECOND)
    return network


def _speed_up(network: CDPSession) -> None:
    _limit(network, -1)


def _limit(network: CDPSession, bytes_per_second: int) -> None:
    network.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": 0,
            "downloadThroughput": -1,
            "uploadThroughput": bytes_per_second,
        },
    )


def _look_at(page: Page) -> None:
    """See that the page is fit for everybody at every width."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(OVERFLOW) <= 0, width
    assert violations(page) == []
