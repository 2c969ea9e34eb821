"""Webhooks as their pages show them: words of ours, never a receiver's own text."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse

from batches.delivery.schedule import BREAKER_FAILURES
from batches.delivery.verdicts import Outcome
from batches.models import (
    DisabledReason,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
)
from batches.states import DeliveryState

# A delivery that is tried within this time moves while somebody looks on.
_SOON = timedelta(minutes=1)
_STATES = {
    DeliveryState.PENDING: "waiting",
    DeliveryState.SENDING: "on its way",
    DeliveryState.DELIVERED: "delivered",
    DeliveryState.FAILED: "failed",
}
_BADGES = {
    DeliveryState.PENDING: "waiting",
    DeliveryState.SENDING: "running",
    DeliveryState.DELIVERED: "ok",
    DeliveryState.FAILED: "bad",
}
_DISABLED = {
    DisabledReason.GONE: "it answered 410 Gone",
    DisabledReason.FAILING: "it took nothing for five days",
}
_OUTCOMES = {
    Outcome.DELIVERED: "It was taken.",
    Outcome.REDIRECT_REFUSED: "It answered with a redirect, which is not followed: "
    "name the address it leads to.",
    Outcome.GONE: "It answered 410 Gone, so nothing more is sent to it.",
    Outcome.STATUS_REFUSED: "It answered with a status outside 200 to 299.",
    Outcome.TIMED_OUT: "It gave no whole answer within ten seconds.",
    Outcome.NO_ANSWER: "The connection broke before it answered.",
    Outcome.CONNECTION_FAILED: "There was no connection, or its certificate is not "
    "to be trusted.",
    Outcome.REPLY_TOO_LARGE: "Its answer had more than 64 KiB.",
    Outcome.INVALID_URL: "The address is not one that we call.",
    Outcome.PORT_REFUSED: "The address has a port that we do not call.",
    Outcome.HOST_REFUSED: "Its host has no address, or one that is not public.",
    Outcome.KEY_UNREADABLE: "We could not read the secret: that is ours to mend.",
    Outcome.UNKNOWN: "Our worker stopped in the middle, so it is sent again.",
    Outcome.ENDPOINT_DISABLED: "The address was switched off before it was sent.",
    Outcome.EXPIRED: "A day went by without a try that was taken.",
}


@dataclass(frozen=True, slots=True)
class EndpointLine:
    """An address and how it fares."""

    url: str
    badge: str
    state: str
    detail: str
    since: datetime | None
    resumes_at: datetime | None
    is_off: bool


def endpoint_line(endpoint: WebhookEndpoint, *, now: datetime) -> EndpointLine:
    """Show an address; what is wrong with it comes first."""
    held = endpoint.held_until
    resumes_at = held if held is not None and held > now else None
    badge, state, detail = _standing(endpoint)
    return EndpointLine(
        url=endpoint.url,
        badge=badge,
        state=state,
        detail=detail,
        since=endpoint.disabled_at or endpoint.failing_since,
        resumes_at=None if endpoint.disabled_at else resumes_at,
        is_off=endpoint.disabled_at is not None,
    )


def _standing(endpoint: WebhookEndpoint) -> tuple[str, str, str]:
    if endpoint.disabled_at is not None:
        reason = DisabledReason(endpoint.disabled_reason)
        return "bad", "switched off", f"Nothing is sent: {_DISABLED[reason]}."
    if not endpoint.failures:
        return "ok", "working", ""
    tries = "try has" if endpoint.failures == 1 else "tries in a row have"
    detail = f"{endpoint.failures} {tries} failed."
    if endpoint.failures >= BREAKER_FAILURES:
        detail += " Now and then one call asks whether it is back; nothing is lost."
    return "warn", "failing", detail


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """An event on its way."""

    public_id: str
    event_id: str
    event: str
    batch_id: str | None
    url: str
    badge: str
    state: str
    tries: int
    trouble: str
    next_at: datetime | None
    created_at: datetime
    updated_at: datetime
    may_replay: bool
    is_open: bool


def delivery_line(delivery: WebhookDelivery, *, now: datetime) -> DeliveryLine:
    """Show a delivery."""
    state = DeliveryState(delivery.state)
    is_pending = state == DeliveryState.PENDING
    is_soon = is_pending and delivery.next_attempt_at - now < _SOON
    is_off = delivery.endpoint.disabled_at is not None
    return DeliveryLine(
        public_id=delivery.public_id,
        event_id=delivery.event.public_id,
        event=delivery.event.type,
        batch_id=delivery.batch.public_id if delivery.batch else None,
        url=delivery.endpoint.url,
        badge=_BADGES[state],
        state=_STATES[state],
        tries=delivery.attempts,
        trouble=outcome_words(delivery.error),
        next_at=delivery.next_attempt_at if is_pending else None,
        created_at=delivery.created_at,
        updated_at=delivery.state_at,
        may_replay=state in {DeliveryState.DELIVERED, DeliveryState.FAILED}
        and not is_off,
        is_open=is_soon or state == DeliveryState.SENDING,
    )


@dataclass(frozen=True, slots=True)
class StateTab:
    """The deliveries of one state, or all of them."""

    url: str
    name: str
    is_current: bool
    count: int | None = None


def state_tabs(chosen: str) -> tuple[StateTab, ...]:
    """Return what deliveries can be listed by; ``chosen`` is a state or nothing."""
    page = reverse("account-webhooks")
    return (
        StateTab(f"{page}#before", "all", is_current=not chosen),
        *(
            StateTab(f"{page}?state={state}#before", word, is_current=state == chosen)
            for state, word in _STATES.items()
        ),
    )


@dataclass(frozen=True, slots=True)
class TryLine:
    """One try."""

    no: int
    badge: str
    outcome: str
    status_code: int | None
    duration_ms: int | None
    started_at: datetime


def try_lines(attempts: Iterable[WebhookAttempt]) -> tuple[TryLine, ...]:
    """Show tries in their order."""
    return tuple(
        TryLine(
            no=attempt.no,
            badge=_badge_of(attempt.outcome),
            outcome=outcome_words(attempt.outcome) or "It is under way.",
            status_code=attempt.status_code,
            duration_ms=attempt.duration_ms,
            started_at=attempt.started_at,
        )
        for attempt in attempts
    )


def _badge_of(outcome: str) -> str:
    if not outcome:
        return "running"
    return "ok" if outcome == Outcome.DELIVERED else "bad"


def outcome_words(outcome: str) -> str:
    """Say what a try came to; nothing for one that has no end yet."""
    return _OUTCOMES[Outcome(outcome)] if outcome else ""
