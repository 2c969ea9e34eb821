"""An operator switches a lane off under load, and two of them refund a customer."""

import json
import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from batches.management.commands.make_demo import PASSWORD
from tests.flows.test_public_walk import OVERFLOW, violations
from tests.support.browser import browsing
from tests.support.buying import GOOD_CARD, choose_pack, log_in_to_billing, pay
from tests.support.product import Product

pytestmark = [
    pytest.mark.processes,
    pytest.mark.browser,
    pytest.mark.skipif("CHROMIUM" not in os.environ, reason="there is no Chromium"),
]

MAKER, CHECKER = "maker@batchrouter.test", "checker@batchrouter.test"
SLOW, QUICK = "deepseek-flash", "gpt-5.4-mini"
# A unit holds five items, and eight units are in hand at most: on the slow lane alone
# the batch takes eight minutes, so it runs still when the lane is switched off.
ITEMS, LATENCY_MS = 600, 30_000
WIDTHS = (1280, 390)
THEMES = ("Light", "Dark")
PAGES = ("/admin/dashboard/", "/admin/stuck/", "/admin/lanes/", "/admin/")
# For a machine that is busy with other things.
PATIENCE_SECONDS = 420.0
PATIENCE_MS = 240_000


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with Product(
        tmp_path_factory.mktemp("operated"),
        with_redis=False,
        with_stripe=True,
        DIRECT_UNIT_ITEMS="5",
        # Nobody moves money alone.
        OPERATOR_ALONE_USD="0",
    ) as running:
        yield running


@pytest.fixture(scope="module")
def demo(product: Product) -> dict[str, Any]:
    """Return the demo organization, and codes of two operators."""
    made = product.manage("make_demo", "--operator", MAKER, "--operator", CHECKER)
    found: dict[str, Any] = json.loads(made)
    return found


def test_a_lane_is_switched_off_and_its_work_moves_to_another(
    product: Product, demo: dict[str, Any]
) -> None:
    product.simulator.post_fault(
        {
            "match": {"provider": "deepseek"},
            "fault": {"kind": "latency", "ms": LATENCY_MS},
        }
    )
    with browsing(product.address) as page:
        _log_in(page, MAKER, demo)
        batch_id = product.submit(_items(), sla_tier="standard")
        product.wait_until(lambda: _is_running(product, batch_id))
        _see_it_run(page, batch_id)
        _switch_off(page, "deepseek deepseek-flash direct global")
        product.wait_until(lambda: _moved(product, batch_id), seconds=PATIENCE_SECONDS)
        product.wait_for(batch_id, seconds=PATIENCE_SECONDS)
        _see_the_story(page, batch_id)
        _see_the_log(page)
    answered = {row["provider"] for row in product.rows(batch_id)}
    assert answered - {"deepseek"}


def test_a_refund_is_asked_for_by_one_and_approved_by_another(
    product: Product, demo: dict[str, Any]
) -> None:
    with browsing(product.address) as page:
        _buy_credits(page)
    with browsing(product.address) as page:
        _log_in(page, MAKER, demo)
        _ask_for_a_refund(page)
        page.locator("#result_list").get_by_role("link", name="opreq_").click()
        _approve(page)
        expect(page.get_by_text("Another person than the maker")).to_be_visible()
        expect(page.locator(".field-state")).to_contain_text("requested")
    with browsing(product.address) as page:
        _log_in(page, CHECKER, demo)
        expect(page.locator("main")).to_contain_text(MAKER)
        for theme in THEMES:
            page.goto("/admin/dashboard/")
            _choose(page, theme)
            page.get_by_role("link", name="opreq_").click()
            _look_at(page, page.url)
        _approve(page)
        expect(page.locator(".messagelist")).to_contain_text("approved.")
        expect(page.get_by_role("button", name="Approve")).to_be_hidden()
        _see_it_in_the_ledger(page)
    product.wait_until(lambda: _is_refunded(product))
    assert "all hold" in product.manage("ledger_reconcile")


@pytest.mark.parametrize("theme", THEMES)
def test_the_pages_are_fit_for_everybody(
    product: Product, demo: dict[str, Any], theme: str
) -> None:
    with browsing(product.address) as page:
        _log_in(page, CHECKER, demo)
        _choose(page, theme)
        for path in PAGES:
            _look_at(page, path)
        page.goto("/admin/lanes/")
        page.locator("main tbody a").first.click()
        _look_at(page, page.url)
        page.locator("main a[href^='/admin/providers/']").first.click()
        expect(page.get_by_role("button", name="Switch the provider")).to_be_visible()
        _look_at(page, page.url)


@pytest.mark.parametrize("theme", THEMES)
def test_every_list_row_and_form_of_the_admin_is_fit_for_everybody(
    product: Product, demo: dict[str, Any], theme: str
) -> None:
    with browsing(product.address) as page:
        _log_in(page, CHECKER, demo)
        _choose(page, theme)
        page.goto("/admin/")
        _is_shown_in(page, theme)
        lists = _links(page, "#content-main th a")
        forms = _links(page, "#content-main a.addlink")
        for path in lists:
            _look_at(page, path)
            for row in _links(page, "#result_list tbody th a")[:1]:
                _look_at(page, row)
        for path in forms:
            _look_at(page, path)
    assert "/admin/billing/operatorrequest/" in lists
    assert "/admin/catalog/offeringprice/add/" in forms


def test_a_theme_chosen_in_the_admin_holds_on_the_operators_own_pages(
    product: Product, demo: dict[str, Any]
) -> None:
    with browsing(product.address) as page:
        _log_in(page, CHECKER, demo)
        page.goto("/admin/")
        with page.expect_response("**/theme"):
            page.get_by_role(
                "button", name="Toggle theme (current theme: auto)"
            ).click()
        page.goto("/admin/dashboard/")
        _is_shown_in(page, "Dark")


def test_a_day_and_a_time_are_chosen_by_a_click(
    product: Product, demo: dict[str, Any]
) -> None:
    with browsing(product.address) as page:
        _log_in(page, CHECKER, demo)
        page.goto("/admin/catalog/offeringprice/add/")
        valid_from = page.locator(".field-valid_from")
        valid_from.get_by_role("link", name="Choose a Date").click()
        page.locator("#calendarbox0").get_by_role("link", name="Today").click()
        valid_from.get_by_role("link", name="Choose a Time").click()
        page.locator("#clockbox0").get_by_role("link", name="Noon").click()
        expect(page.get_by_label("Valid from, time")).to_have_value("12:00:00")
        expect(page.get_by_label("Valid from, date")).not_to_have_value("")


def _choose(page: Page, theme: str) -> None:
    page.get_by_role("button", name=theme).click()
    _is_shown_in(page, theme)


def _is_shown_in(page: Page, theme: str) -> None:
    expect(page.locator("html")).to_have_attribute("data-theme", theme.lower())


def _links(page: Page, selector: str) -> list[str]:
    """Return where the links lead that are found so."""
    read = "links => links.map(link => link.getAttribute('href'))"
    found: list[str] = page.locator(selector).evaluate_all(read)
    return found


def _look_at(page: Page, path: str) -> None:
    page.goto(path)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(OVERFLOW) <= 0, (path, width)
    # Of a sheet that Django's forms import, axe takes the address for one beside the
    # page: the page itself logs nothing, reading ahead would.
    assert violations(page, preload=False) == [], path


def _items() -> list[dict[str, Any]]:
    return [
        {
            "customer_item_id": f"item-{number}",
            "operation": "responses",
            "model": SLOW,
            "model_options": [SLOW, QUICK],
            "input": {"input": f"Name river {number}.", "max_output_tokens": 32},
        }
        for number in range(ITEMS)
    ]


def _log_in(page: Page, email: str, demo: dict[str, Any]) -> None:
    page.goto("/login?next=/admin/dashboard/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_label("Code").fill(demo["operator_codes"][email].pop())
    page.locator("main").get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Dashboard")


def _go(page: Page, name: str) -> None:
    """Follow one of the links that every page for operators has."""
    links = page.get_by_role("navigation", name="Operators")
    links.get_by_role("link", name=name, exact=True).click()


def _is_running(product: Product, batch_id: str) -> bool:
    return bool(product.call(f"/v1/batches/{batch_id}")[1]["state"] == "running")


def _see_it_run(page: Page, batch_id: str) -> None:
    page.goto("/admin/dashboard/")
    page.get_by_role("link", name="running", exact=True).click()
    expect(page.locator("#result_list")).to_contain_text(batch_id)


def _switch_off(page: Page, lane: str) -> None:
    _go(page, "Lanes")
    page.get_by_role("link", name=lane).click()
    page.get_by_role("button", name="Switch the lane off").click()
    # The browser itself refuses to send a form without a reason.
    expect(page.get_by_role("button", name="Switch the lane off")).to_be_visible()
    page.get_by_label("Reason").fill("It is far too slow.")
    page.get_by_role("button", name="Switch the lane off").click()
    expect(page.get_by_role("button", name="Switch the lane on")).to_be_visible()


def _moved(product: Product, batch_id: str) -> bool:
    """Tell whether some items were answered elsewhere."""
    told = product.manage("explain_route", batch_id)
    return "offering_disabled" in told


def _see_the_story(page: Page, batch_id: str) -> None:
    _go(page, "Batches")
    page.get_by_role("link", name=batch_id).click()
    story = page.locator("pre")
    expect(story).to_contain_text("offering_disabled")
    expect(story).to_contain_text(re.compile(r"items moved to \w+ (direct|batch)"))


def _see_the_log(page: Page) -> None:
    _go(page, "Log")
    line = page.locator("#result_list tr", has_text="switch_off")
    expect(line).to_contain_text(MAKER)
    expect(line).to_contain_text("It is far too slow.")


def _buy_credits(page: Page) -> None:
    log_in_to_billing(page)
    choose_pack(page, "$25.00")
    pay(page, GOOD_CARD)
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Your credits are there", timeout=PATIENCE_MS
    )


def _ask_for_a_refund(page: Page) -> None:
    _go(page, "Refunds")
    page.get_by_role("link", name="Add operator request").click()
    page.get_by_label("Kind:").select_option("refund_card")
    page.locator(".field-org .select2-selection").click()
    page.locator(".select2-search__field").fill("Demo organization")
    page.get_by_role("option", name="Demo organization").click()
    page.get_by_label("Reason:").fill("A lane was far too slow.")
    page.get_by_label("Amount usd:").fill("10.00")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#result_list")).to_contain_text("requested")


def _approve(page: Page) -> None:
    """Press the button beside what is decided."""
    decision = page.get_by_role("region", name="Decide")
    for shown in ("10.00 USD", "Demo organization", "far too slow", MAKER):
        expect(decision).to_contain_text(shown)
    decision.get_by_role("button", name="Approve and carry out").click()


def _see_it_in_the_ledger(page: Page) -> None:
    _go(page, "Ledger")
    line = page.locator("#result_list tr", has_text="refund").first
    expect(line).to_contain_text("10.00")
    expect(line).to_contain_text(f"operator:{MAKER}")
    expect(line).to_contain_text(f"operator:{CHECKER}")


def _is_refunded(product: Product) -> bool:
    told = product.call("/v1/billing/top-ups")[1]["data"][0]
    return bool(told["refunded"]["amount"] == "10.00")
