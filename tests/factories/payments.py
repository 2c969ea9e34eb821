"""Packs on sale and checkout sessions, as our own rows."""

# mypy: allow-untyped-calls
# factory_boy's declarations carry no types.

from factory.declarations import LazyAttribute, Sequence, SubFactory
from factory.django import DjangoModelFactory

from batchrouter.kit.money import NANO_PER_CENT
from billing.models import CheckoutSession, CheckoutState, CreditPack
from tests.factories.accounts import OrgFactory
from tests.factories.billing import NOON


class CreditPackFactory(DjangoModelFactory[CreditPack]):
    """Credits at their price; the first packs are there already."""

    class Meta:
        model = CreditPack
        django_get_or_create = ("code",)

    code = "credit_25"
    price_cents = 2_500
    amount_nanousd = LazyAttribute(lambda pack: pack.price_cents * NANO_PER_CENT)


class CheckoutSessionFactory(DjangoModelFactory[CheckoutSession]):
    """A session that Stripe opened and nobody paid yet."""

    class Meta:
        model = CheckoutSession

    org = SubFactory(OrgFactory)
    pack_code = "credit_25"
    price_cents = 2_500
    amount_nanousd = LazyAttribute(lambda sold: sold.price_cents * NANO_PER_CENT)
    stripe_customer_id = Sequence(lambda number: f"cus_{number}")
    stripe_session_id = Sequence(lambda number: f"cs_test_{number}")
    url = "https://checkout.stripe.com/c/pay/cs_test"
    state = CheckoutState.OPEN
    state_at = NOON
    created_at = NOON
