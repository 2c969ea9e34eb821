"""``expand[]``: replacing ids by the objects they name."""

from typing import Any

from stripe_standin import refunds, sessions
from stripe_standin.desk import Desk
from stripe_standin.wire import Json, public

MAX_DEPTH = 4


def expand(desk: Desk, answer: Json, given: Json) -> Json:
    """Return ``answer`` with what the caller asked to see whole.

    A path that leads nowhere is passed over; Stripe refuses it.
    """
    wanted = given.get("expand") or []
    for path in wanted if isinstance(wanted, list) else [wanted]:
        _walk(desk, answer, str(path).split(".")[:MAX_DEPTH])
    return answer


def _walk(desk: Desk, node: Any, path: list[str]) -> None:
    if isinstance(node, list):
        for part in node:
            _walk(desk, part, path)
        return
    if not path or not isinstance(node, dict):
        return
    name, *rest = path
    if name not in node or isinstance(node[name], str):
        found = _whole(desk, node, name)
        if found is not None:
            node[name] = found
    _walk(desk, node.get(name), rest)


def _whole(desk: Desk, node: Json, name: str) -> Json | None:
    if node.get("object") == "checkout.session" and name == "line_items":
        return sessions.line_items(desk, {}, node["id"])
    if node.get("object") == "charge" and name == "refunds":
        return _refunds(desk, node["id"])
    if name in node and name != "id":
        found = desk.store.find(node[name])
        return None if found is None else public(found)
    return None


def _refunds(desk: Desk, charge_id: str) -> Json:
    return {
        "object": "list",
        "data": [public(refund) for refund in refunds.of_charge(desk, charge_id)],
        "has_more": False,
        "url": f"/v1/charges/{charge_id}/refunds",
    }
