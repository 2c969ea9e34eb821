"""A person with a browser: headless Chromium, driven by Playwright."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, expect, sync_playwright

_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_WAIT_MS = 60_000
expect.set_options(timeout=_WAIT_MS)


@contextmanager
def browsing(
    address: str, *, without_javascript: bool = False, expected: str = "nothing"
) -> Iterator[Page]:
    """Yield an empty page of a fresh browser; console errors fail the test.

    Args:
        address: of the product.
        without_javascript: as a browser in which it is off.
        expected: a part of the console errors that the test is about.
    """
    told: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ["CHROMIUM"], args=list(_FLAGS)
        )
        context = browser.new_context(
            base_url=address, java_script_enabled=not without_javascript
        )
        page = context.new_page()
        page.set_default_timeout(_WAIT_MS)
        page.on(
            "console",
            lambda message: (
                told.append(message.text) if message.type == "error" else None
            ),
        )
        page.on("pageerror", lambda error: told.append(str(error)))
        yield page
        browser.close()
    assert [error for error in told if expected not in error] == []


def press(page: Page, *keys: str) -> None:
    """Press keys, one after the other, once the page's scripts listen for them.

    After a link, wait for something of the new page first.
    """
    page.wait_for_load_state()
    for key in keys:
        page.keyboard.press(key)
