"""From a pack to Stripe's page, against the stand-in, with the real client."""

import pytest

from batchrouter.web.idempotency import IdempotencyKeyReused
from billing import stripe_gateway
from billing.checkout import UnknownPack, open_checkout, write_intent
from billing.models import BillingProfile, CheckoutSession, LedgerTransaction
from billing.profiles import change_profile
from billing.stripe_gateway import CheckoutUnavailable
from tests.billing.test_races import at_once
from tests.factories.accounts import OrgFactory
from tests.factories.billing import NOON
from tests.factories.payments import CreditPackFactory
from tests.support.stripe_standin import API_KEY, StripeStandin

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _pack() -> None:
    CreditPackFactory.create()


def sessions_at(standin: StripeStandin) -> list[str]:
    """Name the sessions that Stripe has, newest first."""
    assert standin.url
    long_ago = NOON.replace(year=2020)
    return [session.id for session in stripe_gateway.list_sessions(long_ago)]


def customers_at(standin: StripeStandin) -> list[dict[str, str]]:
    found = stripe_gateway._client().v1.customers.list()
    assert standin.url
    return [{"name": str(row.name), "email": str(row.email)} for row in found.data]


def test_a_page_is_opened_for_a_pack(stripe_standin: StripeStandin) -> None:
    org = OrgFactory.create()
    opened = open_checkout(org=org, pack_code="credit_25", request_key="k", now=NOON)
    session = opened.session
    assert not opened.is_replay
    assert session.public_id.startswith("cks_")
    assert session.url.startswith(f"{stripe_standin.url}/")
    assert sessions_at(stripe_standin) == [session.stripe_session_id]
    found = stripe_gateway.retrieve_session(str(session.stripe_session_id))
    assert (found.amount_cents, found.currency) == (2_500, "usd")
    assert found.reference == session.public_id
    assert (session.state, session.payment_status) == ("open", "unpaid")
    assert session.expires_at == found.expires_at
    assert not LedgerTransaction.objects.exists()


def test_the_same_key_gives_the_same_page(stripe_standin: StripeStandin) -> None:
    org = OrgFactory.create()
    first = open_checkout(org=org, pack_code="credit_25", request_key="k", now=NOON)
    again = open_checkout(org=org, pack_code="credit_25", request_key="k", now=NOON)
    assert again.is_replay
    assert again.session.url == first.session.url
    assert len(sessions_at(stripe_standin)) == 1


def test_the_same_key_for_another_pack_is_refused(
    stripe_standin: StripeStandin,
) -> None:
    CreditPackFactory.create(code="credit_10", price_cents=1_000)
    org = OrgFactory.create()
    open_checkout(org=org, pack_code="credit_25", request_key="k", now=NOON)
    with pytest.raises(IdempotencyKeyReused):
        open_checkout(org=org, pack_code="credit_10", request_key="k", now=NOON)
    assert len(sessions_at(stripe_standin)) == 1


def test_two_orgs_may_use_one_key(stripe_standin: StripeStandin) -> None:
    for _ in range(2):
        org = OrgFactory.create()
        open_checkout(org=org, pack_code="credit_25", request_key="k", now=NOON)
    assert len(sessions_at(stripe_standin)) == 2


@pytest.mark.parametrize("code", ["credit_1", "credit_off", "", "credit_25 "])
def test_a_pack_that_is_not_on_sale_is_refused(
    stripe_standin: StripeStandin, code: str
) -> None:
    CreditPackFactory.create(code="credit_off", is_active=False)
    with pytest.raises(UnknownPack) as refused:
        open_checkout(org=OrgFactory.create(), pack_code=code, request_key="", now=NOON)
    assert refused.value.param == "pack_code"
    assert not CheckoutSession.objects.exists()
    assert sessions_at(stripe_standin) == []


def test_without_a_key_of_ours_checkout_is_unavailable() -> None:
    org = OrgFactory.create()
    with pytest.raises(CheckoutUnavailable):
        open_checkout(org=org, pack_code="credit_25", request_key="k", now=NOON)
    assert not CheckoutSession.objects.exists()


def test_a_crash_before_the_call_is_made_good_by_the_same_key(
    stripe_standin: StripeStandin,
) -> None:
    org = OrgFactory.create()
    left = write_intent(org=org, pack_code="credit_25", request_key="k", now=NOON)
    opened = open_checkout(org=org, pack_code="credit_25", request_key="k", now=NOON)
    assert opened.session.pk == left.pk
    assert len(sessions_at(stripe_standin)) == 1


def test_a_call_whose_answer_is_lost_gives_one_session(
    stripe_standin: StripeStandin,
) -> None:
    org = OrgFactory.create()
    match = "POST /v1/checkout/sessions"
    stripe_standin.post_fault("reset", when="after", match=match, times=3)
    with pytest.raises(CheckoutUnavailable) as refused:
        open_checkout(org=org, pack_code="credit_25", request_key="k", now=NOON)
    assert refused.value.details == {"retry_after_seconds": 5}
    assert API_KEY not in str(refused.value)
    row = CheckoutSession.objects.get()
    assert row.stripe_session_id is None
    opened = open_checkout(org=org, pack_code="credit_25", request_key="k", now=NOON)
    assert opened.session.pk == row.pk
    assert sessions_at(stripe_standin) == [opened.session.stripe_session_id]


def test_the_customer_is_made_once_with_the_billing_address(
    stripe_standin: StripeStandin,
) -> None:
    org = OrgFactory.create(name="Ada Ltd")
    change_profile(org, email="pay@example.com")
    for key in ("k1", "k2"):
        open_checkout(org=org, pack_code="credit_25", request_key=key, now=NOON)
    assert customers_at(stripe_standin) == [
        {"name": "Ada Ltd", "email": "pay@example.com"}
    ]


def test_a_new_address_is_told_with_the_next_checkout(
    stripe_standin: StripeStandin,
) -> None:
    org = OrgFactory.create(name="Ada Ltd")
    open_checkout(org=org, pack_code="credit_25", request_key="k1", now=NOON)
    change_profile(org, email="new@example.com")
    open_checkout(org=org, pack_code="credit_25", request_key="k2", now=NOON)
    assert customers_at(stripe_standin) == [
        {"name": "Ada Ltd", "email": "new@example.com"}
    ]


def test_a_customer_that_stripe_forgot_is_made_again(
    stripe_standin: StripeStandin,
) -> None:
    org = OrgFactory.create()
    open_checkout(org=org, pack_code="credit_25", request_key="k1", now=NOON)
    before = BillingProfile.objects.get().stripe_customer_id
    stripe_standin.reset()
    opened = open_checkout(org=org, pack_code="credit_25", request_key="k2", now=NOON)
    after = BillingProfile.objects.get().stripe_customer_id
    assert after != before
    assert opened.session.stripe_customer_id == after


def test_a_key_that_stripe_refuses_is_told_to_nobody(
    stripe_standin: StripeStandin, caplog: pytest.LogCaptureFixture
) -> None:
    stripe_standin.restart(api_key="sk_test_" + "another0" * 4)
    try:
        with pytest.raises(CheckoutUnavailable) as refused:
            open_checkout(
                org=OrgFactory.create(),
                pack_code="credit_25",
                request_key="k",
                now=NOON,
            )
    finally:
        stripe_standin.restart(api_key=API_KEY)
    assert API_KEY not in str(refused.value) + caplog.text
    assert "refuses our key" in caplog.text


@pytest.mark.usefixtures("committed_db")
def test_ten_clicks_at_once_open_one_page(stripe_standin: StripeStandin) -> None:
    CreditPackFactory.create()
    org = OrgFactory.create()

    def click(_number: int) -> str:
        return open_checkout(
            org=org, pack_code="credit_25", request_key="form-1", now=NOON
        ).session.url

    assert len(set(at_once(click, 10))) == 1
    assert CheckoutSession.objects.count() == 1
    assert len(sessions_at(stripe_standin)) == 1
