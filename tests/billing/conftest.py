"""A Stripe to buy from: one stand-in for the run, clean before every test."""

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from tests.support.stripe_standin import API_KEY, WEBHOOK_SECRET, StripeStandin


@pytest.fixture(scope="session")
def running_stripe() -> Iterator[StripeStandin]:
    """Start a stand-in that tells nobody anything: a test asks it, or delivers."""
    with StripeStandin() as standin:
        yield standin


@pytest.fixture
def stripe_standin(running_stripe: StripeStandin, settings: Settings) -> StripeStandin:
    """Switch checkout on, at the stand-in."""
    running_stripe.reset()
    running_stripe.call("DELETE", "/_standin/faults")
    settings.STRIPE_SECRET_KEY = API_KEY
    settings.STRIPE_API_BASE = running_stripe.url
    settings.STRIPE_WEBHOOK_SECRETS = [WEBHOOK_SECRET]
    return running_stripe
