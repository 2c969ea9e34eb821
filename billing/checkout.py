"""Sell a pack: write the intent, ask Stripe for its page, write what it answered.

A crash after the intent leaves a row; the same Idempotency-Key finds it and asks Stripe
again under the row's own key, which gives the same page. Nothing is credited here.
"""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from django.conf import settings
from django.db import transaction

from accounts.models import Org
from batchrouter.kit import hashing
from batchrouter.kit.errors import InvalidRequest
from batchrouter.kit.money import format_usd
from batchrouter.web.idempotency import IdempotencyKeyReused
from billing import stripe_gateway
from billing.models import CheckoutSession, CheckoutState, CreditPack
from billing.profiles import customer_of
from billing.stripe_facts import SessionFact
from billing.stripe_gateway import CheckoutUnavailable, NoSuchStripeObject


class UnknownPack(InvalidRequest):
    """No pack on sale has this code."""

    code = "unknown_pack"


@dataclass(frozen=True)
class Opened:
    """A session with its page; a replay is one that an earlier request opened."""

    session: CheckoutSession
    is_replay: bool


def open_checkout(
    *, org: Org, pack_code: str, request_key: str, now: datetime
) -> Opened:
    """Open a hosted payment page for a pack, once for the caller's key.

    Args:
        org: who buys.
        pack_code: of a pack on sale.
        request_key: the Idempotency-Key or the form's nonce; if empty, the page is new.
        now: the present instant.

    Raises:
        UnknownPack.
        IdempotencyKeyReused: the key bought another pack.
        CheckoutUnavailable: checkout is off, or Stripe does not answer.
        CheckoutRefused: Stripe refused the request.
    """
    if not stripe_gateway.is_on():
        raise CheckoutUnavailable("Card payment is switched off on this server.")
    session = write_intent(
        org=org, pack_code=pack_code, request_key=request_key, now=now
    )
    if session.stripe_session_id:
        return Opened(session, is_replay=True)
    return Opened(_ask_stripe(session), is_replay=False)


@transaction.atomic
def write_intent(
    *, org: Org, pack_code: str, request_key: str, now: datetime
) -> CheckoutSession:
    """Write what is about to be sold, or return what the key was used for.

    Raises:
        UnknownPack, IdempotencyKeyReused.
    """
    words = hashing.canonical_json({"pack_code": pack_code})
    fingerprint = hashing.sha256_hex(words)
    known = _by_key(org, request_key)
    if known is None:
        fresh = _new_session(org, _pack_on_sale(pack_code), request_key, now)
        fresh.request_sha256 = fingerprint
        # Of two clicks at once the second waits here, and finds the first one's row.
        CheckoutSession.objects.bulk_create([fresh], ignore_conflicts=bool(request_key))
        known = _by_key(org, request_key) or fresh
    if known.request_sha256 != fingerprint:
        raise IdempotencyKeyReused(
            "This Idempotency-Key came before with another body.",
            param="Idempotency-Key",
        )
    return known


def _by_key(org: Org, request_key: str) -> CheckoutSession | None:
    if not request_key:
        return None
    return CheckoutSession.objects.filter(org=org, request_key=request_key).first()


def _pack_on_sale(pack_code: str) -> CreditPack:
    pack = CreditPack.objects.filter(code=pack_code, is_active=True).first()
    if pack is None:
        raise UnknownPack(
            f"There is no credit pack {pack_code[:40]!r}; GET /v1/billing lists them.",
            param="pack_code",
        )
    return pack


def _new_session(
    org: Org, pack: CreditPack, request_key: str, now: datetime
) -> CheckoutSession:
    return CheckoutSession(
        org=org,
        pack_code=pack.code,
        amount_nanousd=pack.amount_nanousd,
        price_cents=pack.price_cents,
        request_key=request_key,
        state=CheckoutState.OPEN,
        state_at=now,
        created_at=now,
    )


def _ask_stripe(session: CheckoutSession) -> CheckoutSession:
    try:
        fact = _call(session, session.stripe_customer_id or customer_of(session.org))
    except NoSuchStripeObject:
        gone = session.stripe_customer_id
        fact = _call(session, customer_of(session.org, gone=gone))
    rows = CheckoutSession.objects.filter(pk=session.pk, stripe_session_id__isnull=True)
    rows.update(stripe_session_id=fact.id, url=fact.url, expires_at=fact.expires_at)
    session.refresh_from_db()
    return session


def _call(session: CheckoutSession, customer_id: str) -> SessionFact:
    """Ask for the page; the row says for which customer before Stripe hears of it."""
    session.stripe_customer_id = customer_id
    session.save(update_fields=["stripe_customer_id"])
    name = quote(session.public_id)
    return stripe_gateway.create_checkout(
        reference=session.public_id,
        customer_id=customer_id,
        label=f"{format_usd(session.amount_nanousd)} USD of BatchRouter credits",
        price_cents=session.price_cents,
        success_url=f"{settings.PUBLIC_BASE_URL}/billing/checkout/{name}",
        cancel_url=f"{settings.PUBLIC_BASE_URL}/billing?checkout=canceled",
    )
