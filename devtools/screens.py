"""``python -m devtools screens``: a picture of every page into docs/screens/."""

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from devtools import chromium, demo, places, ports, stack
from devtools.api import Api
from devtools.palette import QUANTIZE, Picture
from devtools.say import Trouble, say
from devtools.showcase import without_keys

FOLDER = places.ROOT / "docs" / "screens"
# A phone, a tablet or half a screen in the dark theme, a wide screen.
_LOOKS = ((390, "light"), (1024, "dark"), (1600, "light"))
_HEIGHT = 900
# Longer pages go on as they begin.
_HEIGHT_MAX = 2000
_PUBLIC = (
    *("/", "/workflows", "/workflows/classify-support-tickets", "/catalog/models"),
    *("/catalog/models/gpt-5.4-mini", "/catalog/providers"),
    *("/catalog/providers/openai", "/rankings", "/pricing", "/status", "/docs"),
    *("/docs/curl", "/docs/javascript", "/docs/python", "/docs/agents"),
    *("/docs/manifests", "/docs/webhooks", "/docs/receipts", "/docs/errors"),
    *("/docs/limits", "/docs/api", "/docs/api/batches", "/receipts/verify"),
    *("/login", "/signup", "/password/reset", "/nowhere", "/dev/components"),
)
_MEMBERS = (
    *("/", "/batches", "/batches/new", "/reports", "/reports/imports"),
    *("/billing", "/billing/ledger", "/billing/reservations", "/account"),
    *("/account/keys", "/account/members", "/account/sessions"),
    *("/account/two-factor", "/account/webhooks"),
)
_OPERATORS = (
    *("/admin/dashboard/", "/admin/stuck/", "/admin/lanes/", "/admin/"),
    *("/admin/batches/batch/", "/admin/billing/operatorrequest/"),
    *("/admin/billing/ledgertransaction/", "/admin/accounts/operatoraction/"),
)
_OPERATOR = "operator@batchrouter.test"

# Below the newest batch.
_BATCH = ("", "/results", "/rows/0", "/review?rows=all", "/webhooks", "/receipts/route")


def main(arguments: list[str]) -> int:
    """Start the demo, walk all pages, and write a picture of each look of each."""
    if arguments:
        raise Trouble("usage: python -m devtools screens")
    env = without_keys(places.base_environment())
    browser_path = chromium.ensure()
    with stack.up(env, show_logs=False) as running:
        account = json.loads(running.manage("make_demo", "--operator", _OPERATOR))
        stack.wait_ready(running)
        api = Api(host=ports.HOST, port=running.port, key=account["api_key"])
        demo.do_main_job(api, running)
        FOLDER.mkdir(parents=True, exist_ok=True)
        for old in FOLDER.glob("*.png"):
            old.unlink()
        with _browser(browser_path) as browser:
            total = sum(
                _walk(browser, running.address, account, width, theme)
                for width, theme in _LOOKS
            )
    say(f"{total} pictures are in {FOLDER.relative_to(places.ROOT)}")
    return 0


@contextmanager
def _browser(path: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=str(path), args=["--no-sandbox", "--disable-gpu"]
        )


def _walk(
    browser: Browser, address: str, account: dict[str, Any], width: int, theme: str
) -> int:
    """Picture every page at one width in one theme; return how many there are."""
    context = _visitor(browser, address, width, theme)
    page, desk = context.new_page(), context.new_page()
    taken = sum(
        _picture(page, desk, path, f"{_name(path)}-{width}-{theme}.png")
        for path in _PUBLIC
    )
    _log_in(page, account)
    for path in (*_MEMBERS, *_a_batch(page)):
        name = f"member-{_name(path)}-{width}-{theme}.png"
        taken += _picture(page, desk, path, name)
    context.close()
    context = _visitor(browser, address, width, theme)
    page, desk = context.new_page(), context.new_page()
    _log_in(page, {**account, "email": _OPERATOR})
    page.get_by_label("Code").fill(account["operator_codes"][_OPERATOR].pop())
    page.locator("main").get_by_role("button", name="Log in").click()
    page.wait_for_url("**/")
    for path in (*_OPERATORS, *_a_lane(page)):
        name = f"operator-{_name(path)}-{width}-{theme}.png"
        taken += _picture(page, desk, path, name)
    context.close()
    say(f"{width} px, {theme}: {taken} pages")
    return taken


def _visitor(browser: Browser, address: str, width: int, theme: str) -> BrowserContext:
    return browser.new_context(
        base_url=address,
        viewport={"width": width, "height": _HEIGHT},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
    )


def _log_in(page: Page, account: dict[str, Any]) -> None:
    page.goto("/login")
    page.get_by_label("Email").fill(account["email"])
    page.get_by_label("Password").fill(account["password"])
    page.get_by_role("button", name="Log in").click()
    page.wait_for_load_state("networkidle")


def _a_lane(page: Page) -> list[str]:
    """Return the addresses of the first lane and of its provider."""
    page.goto("/admin/lanes/")
    lane = page.locator("main tbody a").first.get_attribute("href") or ""
    page.goto(lane)
    provider = page.locator('main a[href*="/admin/providers/"]').first
    return [lane, provider.get_attribute("href") or ""]


def _a_batch(page: Page) -> list[str]:
    page.goto("/batches")
    link = page.get_by_role("link", name=re.compile("^batch_")).first
    href = link.get_attribute("href") if link.count() else None
    return [f"{href}{part}" for part in _BATCH] if href else []


def _picture(page: Page, desk: Page, path: str, name: str) -> int:
    """Write a picture of a page; 0 where there is no such page yet."""
    reply = page.goto(path)
    page.wait_for_load_state("networkidle")
    if reply is None or (not reply.ok and path != "/nowhere"):
        return 0
    height = page.evaluate("document.documentElement.scrollHeight")
    width = float(page.evaluate("document.documentElement.clientWidth"))
    shot = page.screenshot(
        full_page=True,
        clip={
            "x": 0.0,
            "y": 0.0,
            "width": width,
            "height": float(min(height, _HEIGHT_MAX)),
        },
    )
    found = desk.evaluate(QUANTIZE, base64.b64encode(shot).decode())
    (FOLDER / name).write_bytes(Picture.from_browser(found).png())
    return 1


def _name(path: str) -> str:
    text = re.sub(r"batch_[0-9a-z]{26}", "batch", path.strip("/"))
    text = re.sub(r"(lane|provider)s/\d+", r"\1", text)
    return re.sub(r"[^a-z0-9]+", "-", text) or "home"
