"""Who is billed: the address, and the customer that Stripe knows us by."""

import hashlib

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, validate_email

from accounts.models import Org
from batchrouter.kit.errors import InvalidRequest
from billing import stripe_gateway
from billing.models import BillingProfile

EMAIL_CHARACTERS_MAX = 254


def set_billing_email(*, org: Org, email: str) -> BillingProfile:
    """Set the address for the next checkouts; an empty one asks there.

    Raises:
        InvalidRequest: this is no e-mail address.
    """
    if email:
        _require_address(email)
    profile, _ = BillingProfile.objects.update_or_create(
        org=org, defaults={"billing_email": email}
    )
    return profile


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


def _require_address(email: str) -> None:
    try:
        validate_email(email)
        MaxLengthValidator(EMAIL_CHARACTERS_MAX)(email)
    except ValidationError as error:
        raise InvalidRequest(
            "billing_email must be an e-mail address of at most 254 characters.",
            param="billing_email",
        ) from error
