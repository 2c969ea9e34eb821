"""Who is billed: the address, and the customer that Stripe knows us by."""

import hashlib

from django.db import transaction

from accounts.addresses import read_address
from accounts.models import Org
from billing import stripe_gateway
from billing.balance_watch import set_threshold
from billing.models import BillingProfile


@transaction.atomic
def change_profile(
    org: Org, *, email: str | None = None, threshold_nanousd: int | None = None
) -> None:
    """Change who is billed and when to warn; what is None stays.

    Args:
        org: whose profile.
        email: for the next checkouts; an empty one asks there.
        threshold_nanousd: warn below this; zero warns never.

    Raises:
        InvalidEmail, ThresholdOutOfRange.
    """
    if email is not None:
        address = email and read_address(email, param="billing_email")
        BillingProfile.objects.update_or_create(
            org=org, defaults={"billing_email": address}
        )
    if threshold_nanousd is not None:
        set_threshold(org, threshold_nanousd)


def billing_email(org: Org) -> str:
    """Return the address that an organization chose, or nothing."""
    profile = BillingProfile.objects.filter(org=org).first()
    return profile.billing_email if profile else ""


def customer_of(org: Org, *, gone: str = "") -> str:
    """Return Stripe's id of an organization; make it there, or tell it a new address.

    Args:
        org: who is billed.
        gone: an id that Stripe no longer knows and that must be replaced.

    Raises:
        CheckoutUnavailable, CheckoutRefused.
    """
    profile, _ = BillingProfile.objects.get_or_create(org=org)
    if not profile.stripe_customer_id or profile.stripe_customer_id == gone:
        return _make_customer(profile, gone)
    if profile.billing_email and profile.billing_email != profile.stripe_customer_email:
        return _tell_email(profile)
    return profile.stripe_customer_id


def _make_customer(profile: BillingProfile, gone: str) -> str:
    org, email = profile.org, profile.billing_email
    # The same words ask for the same customer, however often the answer is lost.
    words = f"{org.public_id}:{email}:{gone}".encode()
    customer_id = stripe_gateway.create_customer(
        name=org.name,
        email=email,
        org_id=org.public_id,
        idempotency_key=f"customer:{hashlib.sha256(words).hexdigest()}",
    )
    rows = BillingProfile.objects.filter(
        pk=profile.pk, stripe_customer_id__in=["", gone]
    )
    rows.update(stripe_customer_id=customer_id, stripe_customer_email=email)
    # Somebody else may have been first with another address: theirs is the customer.
    profile.refresh_from_db()
    return profile.stripe_customer_id


def _tell_email(profile: BillingProfile) -> str:
    try:
        stripe_gateway.change_customer_email(
            profile.stripe_customer_id, profile.billing_email
        )
    except stripe_gateway.NoSuchStripeObject:
        return _make_customer(profile, profile.stripe_customer_id)
    BillingProfile.objects.filter(pk=profile.pk).update(
        stripe_customer_email=profile.billing_email
    )
    return profile.stripe_customer_id
