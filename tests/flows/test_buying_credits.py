"""A person buys credits in a browser, whatever becomes of the webhook."""

import os
import time
from collections.abc import Iterator
from decimal import Decimal

import psycopg
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browser import browsing
from tests.support.buying import GOOD_CARD, choose_pack, log_in_to_billing, pay
from tests.support.product import Product
from tests.support.stripe_standin import StripeStandin

pytestmark = [
    pytest.mark.processes,
    pytest.mark.browser,
    pytest.mark.skipif("CHROMIUM" not in os.environ, reason="there is no Chromium"),
]

DECLINED = "4000 0000 0000 0002"
DELAY_MS = 5_000
PULL_SECONDS = 2


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    home = tmp_path_factory.mktemp("buying")
    with Product(
        home,
        with_redis=False,
        with_stripe=True,
        STRIPE_PULL_SECONDS=str(PULL_SECONDS),
    ) as running:
        # Until a test wants it nobody asks Stripe: what is credited, a webhook told.
        _stop_pulling(running)
        yield running


@pytest.fixture
def stripe(product: Product) -> Iterator[StripeStandin]:
    yield product.stripe
    product.stripe.settings(delay_ms=0, drop=0)


def test_the_balance_rises_by_the_webhook_alone(
    product: Product, stripe: StripeStandin
) -> None:
    before, found = _balance(product), _found_by_pulling(product)
    with browsing(product.address) as page:
        log_in_to_billing(page)
        choose_pack(page, "$25.00")
        pay(page, GOOD_CARD)
        title = page.get_by_role("heading", level=1)
        expect(title).to_have_text("Your credits are there", timeout=120_000)
        page.get_by_role("link", name="Go to billing").click()
        expect(_available(page)).to_have_text(f"${before + 25}")
    assert _balance(product) == before + 25
    assert _found_by_pulling(product) == found
    assert "all hold" in product.manage("ledger_reconcile")


def test_with_a_late_webhook_the_page_waits_and_turns_by_itself(
    product: Product, stripe: StripeStandin
) -> None:
    before, found = _balance(product), _found_by_pulling(product)
    stripe.settings(delay_ms=DELAY_MS)
    with browsing(product.address) as page:
        log_in_to_billing(page)
        choose_pack(page, "$10.00")
        pay(page, GOOD_CARD)
        title = page.get_by_role("heading", level=1)
        expect(title).to_have_text("Waiting for the payment")
        assert _balance(product) == before
        expect(title).to_have_text("Your credits are there", timeout=120_000)
        expect(page.get_by_text(f"Available now: ${before + 10}")).to_be_visible()
    assert _balance(product) == before + 10
    assert _found_by_pulling(product) == found
    assert "all hold" in product.manage("ledger_reconcile")


def test_a_declined_card_leaves_everything_as_it_was(
    product: Product, stripe: StripeStandin
) -> None:
    before, top_ups = _balance(product), _top_ups(product)
    with browsing(product.address, expected="402") as page:
        log_in_to_billing(page)
        choose_pack(page, "$100.00")
        pay(page, DECLINED)
        expect(page.get_by_role("alert")).to_have_text("Your card was declined.")
        stripe.wait_until_quiet()
        page.get_by_role("link", name="Cancel and go back").click()
        expect(_available(page)).to_have_text(f"${before}")
    assert (_balance(product), _top_ups(product)) == (before, top_ups)
    assert "all hold" in product.manage("ledger_reconcile")


def test_who_cancels_is_back_at_billing_and_paid_nothing(
    product: Product, stripe: StripeStandin
) -> None:
    before, top_ups = _balance(product), _top_ups(product)
    with browsing(product.address) as page:
        log_in_to_billing(page)
        choose_pack(page, "$500.00")
        page.get_by_role("link", name="Cancel and go back").click()
        expect(page).to_have_url(f"{product.address}/billing?checkout=canceled")
        expect(page.get_by_text("Nothing was charged.")).to_be_visible()
        expect(_available(page)).to_have_text(f"${before}")
    assert (_balance(product), _top_ups(product)) == (before, top_ups)
    assert "all hold" in product.manage("ledger_reconcile")


def test_without_a_webhook_the_reconciler_credits_it(
    product: Product, stripe: StripeStandin
) -> None:
    before, top_ups = _balance(product), _top_ups(product)
    found = _found_by_pulling(product)
    stripe.settings(drop=1_000)
    with browsing(product.address) as page:
        log_in_to_billing(page)
        choose_pack(page, "$25.00")
        pay(page, GOOD_CARD)
        title = page.get_by_role("heading", level=1)
        expect(title).to_have_text("Waiting for the payment")
        assert _balance(product) == before
        product.start("beat")
        expect(title).to_have_text("Your credits are there", timeout=120_000)
        _stop_pulling(product)
    assert (_balance(product), _top_ups(product)) == (before + 25, top_ups + 1)
    assert _found_by_pulling(product) > found
    assert "all hold" in product.manage("ledger_reconcile")


def _available(page: Page) -> Locator:
    return page.locator("dl.figures dd").first


def _balance(product: Product) -> Decimal:
    _, overview = product.call("/v1/billing")
    assert overview["balance"]["reserved"]["amount"] == "0.00"
    return Decimal(overview["balance"]["available"]["amount"])


def _top_ups(product: Product) -> int:
    _, page = product.call("/v1/billing/top-ups?limit=100")
    return len(page["data"])


def _stop_pulling(product: Product) -> None:
    product.stop_warmly("beat")
    # What beat asked for last is done by then, or has expired.
    time.sleep(PULL_SECONDS)


def _found_by_pulling(product: Product) -> int:
    """Return how many events and sessions no webhook had told."""
    query = (
        "SELECT COALESCE(SUM(events_found + sessions_credited), 0)"
        " FROM billing_stripepull"
    )
    with psycopg.connect(product.database_url) as connection:
        (found,) = connection.execute(query).fetchone() or (0,)
    return int(found)
