"""What a payer does with an open session, and what becomes of a bank debit."""

from stripe_standin import cards, happenings, params, payments, sessions
from stripe_standin.cards import Decline
from stripe_standin.desk import Desk
from stripe_standin.wire import Json, invalid, new_id


def by_card(desk: Desk, session_id: str, typed_number: str) -> Decline | None:
    """Pay a session by a test card; returns why the card was declined, if it was.

    Raises:
        ApiError: 400 for a card that is none of ours, or a session that is not open.
    """
    session = _open(desk, session_id)
    number = cards.number_of(typed_number)
    intent = payments.open_intent(desk, session, payments.card(desk, number))
    decline = cards.CARDS[number]
    if decline is not None:
        desk.save(session)
        payments.fail(desk, intent, decline)
        return decline
    payments.succeed(desk, intent)
    _complete(desk, session, "paid")
    return None


def by_bank_debit(desk: Desk, session_id: str) -> None:
    """Complete a session whose money comes, or does not, later.

    Raises:
        ApiError: 400 for a session that is not open.
    """
    session = _open(desk, session_id)
    intent = payments.open_intent(desk, session, payments.bank_account(desk))
    intent["status"] = "processing"
    happenings.emit(desk, "payment_intent.processing", desk.save(intent))
    _complete(desk, session, "unpaid")
    after = desk.settings.bank_debit_seconds
    if after:
        desk.store.set_timer(session_id, "settle", desk.now + after)


def settle(desk: Desk, session_id: str, outcome: str) -> Json:
    """Let a bank debit that is under way succeed or fail; returns the session.

    Raises:
        ApiError: 400 when none is under way.
    """
    session = desk.get("checkout.session", session_id)
    intent_id = session["payment_intent"]
    intent = desk.get("payment_intent", intent_id) if intent_id else None
    if intent is None or intent["status"] != "processing":
        raise invalid("This session has no bank debit under way.")
    if outcome == "failed":
        payments.fail(desk, intent, cards.BANK_DEBIT_FAILURE)
    else:
        payments.succeed(desk, intent)
        session["payment_status"] = "paid"
    kind = f"checkout.session.async_payment_{outcome}"
    happenings.emit(desk, kind, desk.save(session))
    return session


def settle_if_due(desk: Desk, session_id: str) -> None:
    """Settle a bank debit whose delay is over, unless that was done already."""
    session = desk.get("checkout.session", session_id)
    intent = desk.get("payment_intent", session["payment_intent"])
    if intent["status"] == "processing":
        settle(desk, session_id, desk.settings.bank_debit_outcome)


def foreign(desk: Desk, wanted: Json) -> Json:
    """Make a session that somebody else made and paid; returns it.

    Args:
        desk: the transaction it happens in.
        wanted: any of ``amount``, ``currency``, ``livemode``, ``metadata``,
            ``client_reference_id``.
    """
    params.known(
        wanted, "amount", "currency", "livemode", "metadata", "client_reference_id"
    )
    amount = params.integer(wanted.get("amount", 1_000), "amount", least=1)
    currency = params.currency(wanted.get("currency", "usd"), "currency")
    live = bool(wanted.get("livemode"))
    prefix = "cs_live_" if live else "cs_test_"
    session = sessions.shape(desk, new_id(prefix, 58), amount, currency)
    session["livemode"] = live
    session["metadata"] = params.metadata(wanted)
    session["client_reference_id"] = wanted.get("client_reference_id")
    desk.save(session)
    by_card(desk, session["id"], next(iter(cards.CARDS)))
    return desk.get("checkout.session", session["id"])


def _open(desk: Desk, session_id: str) -> Json:
    session = desk.get("checkout.session", session_id)
    if session["status"] != "open":
        raise invalid(f"This Checkout Session is {session['status']}.")
    return session


def _complete(desk: Desk, session: Json, payment_status: str) -> None:
    session |= {
        "customer_details": {
            "address": None,
            "email": session["customer_email"],
            "name": None,
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": [],
        },
        "payment_status": payment_status,
        "status": "complete",
        "url": None,
    }
    happenings.emit(desk, "checkout.session.completed", desk.save(session))
