"""The only file that knows ``stripe`` and ``djstripe``: calls out, values back.

Never called inside a transaction. A call takes ten seconds at most per try and is
tried three times. The secret key stands in no message.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any

import stripe
from django.conf import settings
from django.contrib import admin
from djstripe import models as mirrored

from batchrouter.kit.errors import BatchRouterError
from billing.stripe_facts import (
    BalanceTransactionFact,
    EventFact,
    RefundFact,
    SessionFact,
    UnreadableFact,
    read_balance_transaction,
    read_event,
    read_refund,
    read_session,
)

log = logging.getLogger(__name__)

CALL_SECONDS = 10
RETRIES = 2
PAGE = 100
# How old a signed delivery may be, and how far our clocks may differ.
SIGNATURE_SECONDS = 300
RETRY_AFTER_SECONDS = 5


class CheckoutUnavailable(BatchRouterError):
    """Card payment is switched off, or Stripe does not answer."""

    code = "checkout_unavailable"
    status = 503
    error_type = "billing_error"


class CheckoutRefused(BatchRouterError):
    """Stripe answered, but not with what we asked for: our own mistake or theirs."""

    code = "checkout_failed"
    status = 502
    error_type = "billing_error"


class NoSuchStripeObject(CheckoutRefused):
    """Stripe does not know an id that it gave us."""


class RefundRefused(BatchRouterError):
    """Stripe will not pay this back, whoever asks and however often."""

    code = "refund_refused"
    status = 409
    error_type = "billing_error"


class SignatureRefused(BatchRouterError):
    """The delivery is not signed with a secret of ours, or is too old."""

    code = "signature_invalid"
    status = 400
    error_type = "invalid_request_error"


def is_on() -> bool:
    """Tell whether checkout is configured."""
    return bool(settings.STRIPE_SECRET_KEY)


def create_customer(*, name: str, email: str, org_id: str, idempotency_key: str) -> str:
    """Make a customer and return its id.

    Raises:
        CheckoutUnavailable, CheckoutRefused.
    """
    params: dict[str, Any] = {"name": name, "metadata": {"org": org_id}}
    if email:
        params["email"] = email
    with _our_errors():
        made = _client().v1.customers.create(
            params,  # type: ignore[arg-type] # a table that grows by conditions
            {"idempotency_key": idempotency_key},
        )
    return made.id


def change_customer_email(customer_id: str, email: str) -> None:
    """Tell Stripe the address that receipts go to.

    Raises:
        NoSuchStripeObject: the customer is gone.
        CheckoutUnavailable, CheckoutRefused.
    """
    with _our_errors():
        _client().v1.customers.update(customer_id, {"email": email})


def create_checkout(
    *,
    reference: str,
    customer_id: str,
    label: str,
    price_cents: int,
    success_url: str,
    cancel_url: str,
) -> SessionFact:
    """Open a hosted payment page. The same ``reference`` opens the same page again.

    Args:
        reference: our session's public id, Stripe's idempotency key.
        customer_id: Stripe's id of the organization.
        label: what the page says is sold.
        price_cents: whole cents of a US dollar.
        success_url: where the page sends a customer who paid.
        cancel_url: where it sends one who did not.

    Raises:
        NoSuchStripeObject: the customer is gone.
        CheckoutUnavailable, CheckoutRefused.
    """
    with _our_errors():
        made = _client().v1.checkout.sessions.create(
            {
                "mode": "payment",
                "customer": customer_id,
                "client_reference_id": reference,
                "metadata": {"checkout_session": reference},
                "payment_intent_data": {"metadata": {"checkout_session": reference}},
                "line_items": [
                    {
                        "quantity": 1,
                        "price_data": {
                            "currency": "usd",
                            "unit_amount": price_cents,
                            "product_data": {"name": label},
                        },
                    }
                ],
                "success_url": success_url,
                "cancel_url": cancel_url,
            },
            {"idempotency_key": f"checkout:{reference}"},
        )
        return read_session(made.to_dict())


def retrieve_session(session_id: str) -> SessionFact:
    """Ask how a session stands.

    Raises:
        NoSuchStripeObject, CheckoutUnavailable, CheckoutRefused.
    """
    with _our_errors():
        return read_session(
            _client().v1.checkout.sessions.retrieve(session_id).to_dict()
        )


def create_refund(
    payment_intent_id: str, amount_cents: int, idempotency_key: str
) -> RefundFact:
    """Pay whole cents back to the card. The same key pays back once.

    Raises:
        RefundRefused: the payment cannot be paid back by this amount, ever.
        CheckoutUnavailable, CheckoutRefused: it is not known; ask again by this key.
    """
    try:
        with _our_errors():
            made = _client().v1.refunds.create(
                {
                    "payment_intent": payment_intent_id,
                    "amount": amount_cents,
                    "metadata": {"card_refund": idempotency_key},
                },
                {"idempotency_key": f"refund:{idempotency_key}"},
            )
            return read_refund(made.to_dict())
    except CheckoutRefused as error:
        cause = error.__cause__
        if isinstance(cause, stripe.InvalidRequestError):
            raise RefundRefused(
                f"Stripe refuses this refund: {cause.code or 'invalid request'}."
            ) from error
        raise


def find_refund(payment_intent_id: str, reference: str) -> RefundFact | None:
    """Look for the refund that was asked for under a key, however long ago.

    Raises:
        CheckoutUnavailable, CheckoutRefused.
    """
    with _our_errors():
        page = _client().v1.refunds.list(
            {"payment_intent": payment_intent_id, "limit": PAGE}
        )
        refunds = (read_refund(row.to_dict()) for row in page.auto_paging_iter())
        return next((row for row in refunds if row.reference == reference), None)


def list_refunds(charge_id: str) -> list[RefundFact]:
    """Ask for every refund of a charge.

    Raises:
        CheckoutUnavailable, CheckoutRefused.
    """
    with _our_errors():
        page = _client().v1.refunds.list({"charge": charge_id, "limit": PAGE})
        return [read_refund(row.to_dict()) for row in page.auto_paging_iter()]


def list_events(since: datetime, types: Sequence[str] = ()) -> Iterator[EventFact]:
    """Walk the events made since an instant, newest first.

    Raises:
        CheckoutUnavailable, CheckoutRefused.
    """
    params: dict[str, Any] = {"created": _since(since), "limit": PAGE}
    if types:
        params["types"] = list(types)
    with _our_errors():
        page = _client().v1.events.list(params)  # type: ignore[arg-type] # as above
        for row in page.auto_paging_iter():
            yield read_event(row.to_dict())


def list_sessions(since: datetime) -> Iterator[SessionFact]:
    """Walk the checkout sessions made since an instant, newest first.

    Raises:
        CheckoutUnavailable, CheckoutRefused.
    """
    with _our_errors():
        page = _client().v1.checkout.sessions.list(
            {"created": {"gte": int(since.timestamp())}, "limit": PAGE}
        )
        for row in page.auto_paging_iter():
            yield read_session(row.to_dict())


def list_balance_transactions(since: datetime) -> Iterator[BalanceTransactionFact]:
    """Walk the movements on our Stripe balance since an instant, newest first.

    Raises:
        CheckoutUnavailable, CheckoutRefused.
    """
    with _our_errors():
        page = _client().v1.balance_transactions.list(
            {"created": {"gte": int(since.timestamp())}, "limit": PAGE}
        )
        for row in page.auto_paging_iter():
            yield read_balance_transaction(row.to_dict())


def verified_event(body: bytes, signature: str, *, now: datetime) -> EventFact:
    """Read a delivery that is signed with one of our secrets, on its raw bytes.

    Raises:
        SignatureRefused: forged, stale, from the future, unsigned, or no event.
    """
    for secret in settings.STRIPE_WEBHOOK_SECRETS:
        try:
            event = stripe.Webhook.construct_event(
                body, signature, secret, tolerance=SIGNATURE_SECONDS
            )
            _require_not_ahead(signature, now)
            return read_event(event.to_dict())
        except (stripe.SignatureVerificationError, ValueError, AttributeError):
            continue
    raise SignatureRefused("The signature of this delivery is not valid.")


def mirror(payload: Mapping[str, Any]) -> None:
    """Let dj-stripe copy an event and what it names, for support and admin.

    It asks Stripe about ten questions per event, so never while a customer waits.

    Raises:
        CheckoutUnavailable, CheckoutRefused: Stripe did not answer it.
    """
    _configure_module()
    with _our_errors():
        mirrored.Event.process(data=dict(payload), api_key=settings.STRIPE_SECRET_KEY)


def hide_keys_in_admin() -> None:
    """Take dj-stripe's table of secret keys, and what stores secrets, off the admin."""
    for model in (mirrored.APIKey, mirrored.WebhookEndpoint):
        if admin.site.is_registered(model):
            admin.site.unregister(model)


def _since(since: datetime) -> dict[str, int]:
    return {"gte": int(since.timestamp())}


def _require_not_ahead(signature: str, now: datetime) -> None:
    """Refuse a time that has not come: the library refuses only what is old."""
    stamped = signature.split("t=", 1)[1].split(",", 1)[0]
    if int(stamped) > now.timestamp() + SIGNATURE_SECONDS:
        raise ValueError("signed in the future")


def _client() -> stripe.StripeClient:
    if not is_on():
        raise CheckoutUnavailable("Card payment is switched off on this server.")
    return _client_of(
        settings.STRIPE_SECRET_KEY,
        settings.STRIPE_API_BASE,
        settings.STRIPE_API_VERSION,
    )


@lru_cache(maxsize=4)
def _client_of(key: str, base: str, version: str) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        stripe_version=version,
        base_addresses={"api": base} if base else None,
        max_network_retries=RETRIES,
        http_client=stripe.RequestsClient(timeout=CALL_SECONDS),
    )


def _configure_module() -> None:
    """Point the globals that dj-stripe uses where our own client points."""
    stripe.api_base = settings.STRIPE_API_BASE or stripe.DEFAULT_API_BASE
    stripe.api_version = settings.STRIPE_API_VERSION
    stripe.max_network_retries = RETRIES
    if stripe.default_http_client is None:
        stripe.default_http_client = stripe.RequestsClient(timeout=CALL_SECONDS)


@contextmanager
def _our_errors() -> Iterator[None]:
    """Turn the library's errors into ours; ours say nothing that Stripe said."""
    try:
        yield
    except stripe.InvalidRequestError as error:
        # Without a trace: what Stripe quotes back may be a customer's.
        log.warning("stripe refused: %s %s", error.code, error.request_id)
        raise _refusal(error) from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        log.critical("stripe refuses our key: %s", type(error).__name__)
        raise CheckoutUnavailable("Card payment is not available right now.") from None
    except stripe.IdempotencyError as error:
        log.critical("stripe saw one key with two contents: %s", error.request_id)
        raise CheckoutRefused("Stripe refused the request.") from error
    except stripe.StripeError as error:
        log.warning("stripe did not answer: %s", type(error).__name__)
        raise CheckoutUnavailable(
            "Stripe does not answer right now; nothing was charged.",
            details={"retry_after_seconds": RETRY_AFTER_SECONDS},
        ) from error
    except UnreadableFact as error:
        log.warning("stripe answered with something else: %s", error)
        raise CheckoutRefused("Stripe gave an answer that we cannot read.") from error


def _refusal(error: stripe.InvalidRequestError) -> BatchRouterError:
    if error.code == "idempotency_key_in_use":
        return CheckoutUnavailable(
            "The same request is still under way at Stripe.",
            details={"retry_after_seconds": RETRY_AFTER_SECONDS},
        )
    if error.code == "resource_missing":
        return NoSuchStripeObject("Stripe does not know this object any more.")
    return CheckoutRefused("Stripe refused the request.")
