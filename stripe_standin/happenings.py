"""Events: written down with what they announce, and put in line for delivery."""

import copy

from stripe_standin import deliveries, endpoints
from stripe_standin.desk import Desk
from stripe_standin.wire import API_VERSION, Json, new_id, public


def emit(desk: Desk, kind: str, about: Json, previous: Json | None = None) -> Json:
    """Record that something happened to ``about`` and line up its deliveries.

    Args:
        desk: the transaction it happened in.
        kind: the event's type, such as ``charge.refunded``.
        about: the object as it is afterwards.
        previous: the values that changed, as they were before.
    """
    receivers = [e for e in endpoints.every(desk.store) if endpoints.wants(e, kind)]
    data: Json = {"object": copy.deepcopy(public(about))}
    if previous is not None:
        data["previous_attributes"] = previous
    event = desk.save(
        {
            "id": new_id("evt_"),
            "object": "event",
            "api_version": API_VERSION,
            "created": desk.now,
            "data": data,
            "livemode": about["livemode"],
            "pending_webhooks": len(receivers),
            "request": {
                "id": desk.request_id,
                "idempotency_key": desk.idempotency_key,
            },
            "type": kind,
        }
    )
    for endpoint in receivers:
        _line_up(desk, event, endpoint["id"])
    return event


def _line_up(desk: Desk, event: Json, endpoint_id: str) -> None:
    dropped = _is_dropped(desk, event["type"])
    at = desk.now + desk.settings.delay_ms / 1_000 if desk.settings.delay_ms else 0.0
    state = "dropped" if dropped else "pending"
    for _ in range(1 if dropped else 1 + desk.settings.duplicate):
        deliveries.add(desk.store, event, endpoint_id, state, at)


def _is_dropped(desk: Desk, kind: str) -> bool:
    drop = desk.settings.drop
    if isinstance(drop, list):
        return kind in drop
    if drop:
        desk.settings.drop = drop - 1
    return drop > 0
